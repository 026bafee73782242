-- The newest complete day of each provider. Charges that reach beyond their day may lie ahead of the others (a fee that
-- is billed in advance), so they count only where there are no others.
WITH selected AS MATERIALIZED (
    {selected}
)
SELECT
    s.keys[1] AS provider,
    least(coalesce(max(f.last_day) FILTER (WHERE NOT f.is_long), max(f.last_day)), {today}::date - 1) AS day
FROM costs_monthlygroupcost f
JOIN selected s ON s.id = f.group_id
WHERE f.month <= {today}
GROUP BY provider
ORDER BY day, provider

-- The newest complete day of each provider. Charges that reach beyond their day may lie ahead of the others (a fee that
-- is billed in advance), so they count only where there are no others.
WITH selected AS MATERIALIZED (
    {selected}
), reached AS (
    SELECT f.group_id, f.is_long, f.last_day AS day
    FROM costs_monthlygroupcost f
    WHERE f.month <= {today} AND f.last_day < {today}
    UNION ALL
    -- a month that reaches today or beyond does not know its newest day before: its single days do
    SELECT d.group_id, d.is_long, max(d.day)
    FROM costs_dailycost d
    WHERE d.day >= date_trunc('month', {today}::date)::date AND d.day < {today} AND EXISTS (
        SELECT FROM costs_monthlygroupcost f
        WHERE f.month = date_trunc('month', {today}::date)::date AND f.last_day >= {today}
    )
    GROUP BY d.group_id, d.is_long
)
SELECT s.keys[1] AS provider, coalesce(max(r.day) FILTER (WHERE NOT r.is_long), max(r.day)) AS day
FROM reached r
JOIN selected s ON s.id = r.group_id
GROUP BY provider
ORDER BY day, provider

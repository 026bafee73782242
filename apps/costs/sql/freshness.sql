-- The newest complete day of each provider. Charges that reach beyond their day may lie ahead of the others (a fee that
-- is billed in advance), so they count only where there are no others.
WITH selected AS MATERIALIZED (
    {selected}
), this_month AS (
    -- a month that reaches today or beyond does not know its newest day before
    SELECT DISTINCT s.keys[1] AS provider
    FROM costs_monthlygroupcost f
    JOIN selected s ON s.id = f.group_id
    WHERE f.month = date_trunc('month', {today}::date)::date AND f.last_day >= {today}
), yesterday AS (
    SELECT DISTINCT d.group_id, d.is_long, d.day FROM costs_dailycost d WHERE d.day = {today}::date - 1
), reached AS (
    SELECT f.group_id, f.is_long, f.last_day AS day
    FROM costs_monthlygroupcost f
    WHERE f.month <= {today} AND f.last_day < {today}
    UNION ALL
    SELECT * FROM yesterday
    UNION ALL
    -- all its days are looked through only for a provider that has nothing newer
    SELECT d.group_id, d.is_long, max(d.day)
    FROM costs_dailycost d
    WHERE d.day >= date_trunc('month', {today}::date)::date AND d.day < {today}::date - 1 AND EXISTS (
        SELECT provider FROM this_month
        EXCEPT
        SELECT s.keys[1] FROM yesterday y JOIN selected s ON s.id = y.group_id WHERE NOT y.is_long
    )
    GROUP BY d.group_id, d.is_long
)
SELECT s.keys[1] AS provider, coalesce(max(r.day) FILTER (WHERE NOT r.is_long), max(r.day)) AS day
FROM reached r
JOIN selected s ON s.id = r.group_id
GROUP BY provider
ORDER BY day, provider

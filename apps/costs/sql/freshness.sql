-- The newest complete day of each provider and source, when it was loaded, and what is usual of the source: how old its
-- newest day is when it comes, and how old the days are that a newer delivery still changes. Charges that reach beyond
-- their day may lie ahead of the others (a fee that is billed in advance), so they count only where there are no others.
WITH selected AS MATERIALIZED (
    {selected}
), current AS MATERIALIZED (
    SELECT id, source, loaded_at FROM costs_statement WHERE superseded_at IS NULL
), this_month AS (
    -- a month that reaches today or beyond does not know its newest day before
    SELECT DISTINCT s.keys[1] AS provider, t.source
    FROM costs_monthlygroupcost f
    JOIN selected s ON s.id = f.group_id
    JOIN current t ON t.id = f.statement_id
    WHERE f.month = date_trunc('month', {today}::date)::date AND f.last_day >= {today}
), yesterday AS (
    SELECT DISTINCT d.statement_id, d.group_id, d.is_long, d.day
    FROM costs_dailycost d
    WHERE d.day = {today}::date - 1
), reached AS (
    SELECT f.statement_id, f.group_id, f.is_long, f.last_day AS day
    FROM costs_monthlygroupcost f
    WHERE f.month <= {today} AND f.last_day < {today}
    UNION ALL
    SELECT * FROM yesterday
    UNION ALL
    -- all its days are looked through only for a provider's source that has nothing newer
    SELECT d.statement_id, d.group_id, d.is_long, max(d.day)
    FROM costs_dailycost d
    WHERE d.day >= date_trunc('month', {today}::date)::date AND d.day < {today}::date - 1 AND EXISTS (
        SELECT provider, source FROM this_month
        EXCEPT
        SELECT s.keys[1], t.source
        FROM yesterday y
        JOIN selected s ON s.id = y.group_id
        JOIN current t ON t.id = y.statement_id
        WHERE NOT y.is_long
    )
    GROUP BY d.statement_id, d.group_id, d.is_long
), newest AS (
    SELECT s.keys[1] AS provider, r.statement_id, max(r.day) FILTER (WHERE NOT r.is_long) AS day, max(r.day) AS any_day
    FROM reached r
    JOIN selected s ON s.id = r.group_id
    GROUP BY s.keys[1], r.statement_id
), usual AS (
    SELECT
        source,
        CASE WHEN count(*) > 2 THEN
            percentile_disc(0.5) WITHIN GROUP (ORDER BY loaded_at::date - last_day)
        END AS lag,
        CASE WHEN count(restated_days) >= {enough} THEN
            percentile_disc(0.9) WITHIN GROUP (ORDER BY restated_days)
        END AS restated
    FROM costs_statement
    WHERE loaded_at >= {today}::date - {history}::int AND loaded_at::date < billing_period_end AND last_day IS NOT NULL
    GROUP BY source
)
SELECT
    n.provider, t.source, coalesce(max(n.day), max(n.any_day)) AS day, max(n.day) IS NULL AS is_fee,
    (array_agg(t.loaded_at ORDER BY coalesce(n.day, n.any_day) DESC, t.loaded_at DESC))[1] AS loaded_at,
    u.lag, u.restated
FROM newest n
JOIN current t ON t.id = n.statement_id
LEFT JOIN usual u ON u.source = t.source
GROUP BY n.provider, t.source, u.lag, u.restated
ORDER BY 1, 2

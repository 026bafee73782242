-- The newest complete day of each provider: found in the monthly rollup first, so that a provider that fell silent a
-- year ago does not make this read a year of days.
WITH selected AS MATERIALIZED (
    {selected}
), latest AS (
    SELECT s.keys[1] AS provider, max(f.month) AS month
    FROM (SELECT group_id, max(month) AS month FROM costs_monthlycost WHERE month <= {today} GROUP BY group_id) f
    JOIN selected s ON s.id = f.group_id
    GROUP BY 1
), days AS (
    SELECT months.month, f.group_id, f.day
    FROM (SELECT DISTINCT month FROM latest) months
    CROSS JOIN LATERAL (
        SELECT group_id, max(day) AS day
        FROM costs_dailycost
        WHERE day >= months.month AND day < (months.month + interval '1 month')::date AND day <= {today}
        GROUP BY group_id
    ) f
)
SELECT latest.provider, least(max(days.day), {today}::date - 1) AS day
FROM latest
JOIN selected s ON s.keys[1] = latest.provider
JOIN days ON days.group_id = s.id AND days.month = latest.month
GROUP BY latest.provider
ORDER BY day, latest.provider

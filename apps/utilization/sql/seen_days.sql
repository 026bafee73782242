-- Days of %(devices)s as %(teams)s see them: of %(owned)s, and where their pods had the device all day, as they are; other
-- days made anew, as sql/roll_up_days.sql does it, from the hours in which they had part of it.
WITH whole_day AS MATERIALIZED (
    SELECT device_id, day, max(minutes) AS minutes
    FROM utilization_day
    WHERE day >= %(first)s AND day < %(end)s AND device_id = ANY(%(devices)s) AND NOT device_id = ANY(%(owned)s)
    GROUP BY 1, 2
), held_day AS MATERIALIZED (
    -- a hundredth of a minute is what sums of single precision are off by
    SELECT u.device_id, u.day, sum(u.minutes) >= max(w.minutes) - 0.01 AS is_whole
    FROM utilization_use u
    JOIN clusters_pod p ON p.id = u.pod_id
    JOIN whole_day w ON w.device_id = u.device_id AND w.day = u.day
    WHERE u.day >= %(first)s AND u.day < %(end)s AND p.team = ANY(%(teams)s)
    GROUP BY 1, 2
), held_part AS MATERIALIZED (
    SELECT d.device_id, d.day, array_agg(DISTINCT t.hour) AS hours
    FROM held_day d
    JOIN utilization_tenancy t ON t.device_id = d.device_id AND t.hour >= d.day AND t.hour < d.day + 1
    JOIN clusters_pod p ON p.id = t.pod_id
    WHERE NOT d.is_whole AND p.team = ANY(%(teams)s) AND t.minutes > 0 AND t.share > 0
        AND t.hour >= %(first)s AND t.hour < %(end)s
    GROUP BY 1, 2
), made_day AS MATERIALIZED (
    -- apart, since what is asked of all days would be asked of each of these by itself
    SELECT
        h.device_id, h.metric, d.day, min(h.signal) AS signal, sum(h.minutes) AS minutes,
        sum(h.average * h.minutes) / sum(h.minutes) AS average,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY h.p95) AS p95, max(h.maximum) AS maximum
    FROM held_part d
    JOIN utilization_hour h
        ON h.device_id = d.device_id AND h.hour >= d.day AND h.hour < d.day + 1 AND h.hour = ANY(d.hours)
    WHERE h.metric = ANY(%(metrics)s) AND h.hour >= %(first)s AND h.hour < %(end)s
    GROUP BY 1, 2, 3
)
SELECT d.device_id, d.metric, d.day, d.signal, d.minutes, d.average, d.p95, d.maximum
FROM utilization_day d
WHERE d.day >= %(first)s AND d.day < %(end)s AND d.metric = ANY(%(metrics)s) AND d.device_id = ANY(%(devices)s)
    AND (
        d.device_id = ANY(%(owned)s) OR (d.device_id, d.day) IN (SELECT device_id, day FROM held_day WHERE is_whole)
    )
UNION ALL
SELECT device_id, metric, day, signal, minutes, average, p95, maximum FROM made_day

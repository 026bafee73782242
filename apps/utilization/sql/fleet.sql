-- How busy each of %(devices)s was from %(first)s to before %(end)s, and who held it: of devices beside %(owned)s what
-- %(teams)s see of it, where these are given.
WITH days AS (
    -- a row for each device: rows for each metric would be joined by reading all of them for each device
    SELECT device_id, min(signal) FILTER (WHERE metric = %(gpu)s) AS signal,
        sum(minutes) FILTER (WHERE metric = %(gpu)s) AS minutes,
        sum(average * minutes) FILTER (WHERE metric = %(gpu)s) AS gpu,
        max(p95) FILTER (WHERE metric = %(gpu)s) AS gpu_p95,
        max(maximum) FILTER (WHERE metric = %(gpu)s) AS gpu_maximum,
        sum(average * minutes) FILTER (WHERE metric = %(gpu_memory)s)
            / sum(minutes) FILTER (WHERE metric = %(gpu_memory)s) AS gpu_memory,
        max(maximum) FILTER (WHERE metric = %(gpu_memory_mib)s) AS gpu_memory_mib,
        sum(average * minutes) FILTER (WHERE metric = %(power_watts)s)
            / sum(minutes) FILTER (WHERE metric = %(power_watts)s) AS power_watts
    FROM {days} days
    WHERE day >= %(first)s AND day < %(end)s AND device_id = ANY(%(devices)s) AND metric = ANY(%(metrics)s)
    GROUP BY 1
), tenants_known AS (
    SELECT DISTINCT d.source, d.cluster FROM utilization_device d
    WHERE EXISTS (SELECT FROM utilization_tenancy t WHERE t.device_id = d.id)
), used AS (
    SELECT u.device_id, p.team, p.namespace || '/' || p.workload AS holder, u.minutes, u.idle_minutes,
        u.pod_id <> 0 OR k.source IS NULL AS is_held
    FROM utilization_use u
    JOIN utilization_device d ON d.id = u.device_id
    LEFT JOIN clusters_pod p ON p.id = u.pod_id
    LEFT JOIN tenants_known k ON k.source = d.source AND k.cluster = d.cluster
    WHERE u.day >= %(first)s AND u.day < %(end)s AND u.device_id = ANY(%(devices)s)
        AND (%(teams)s::text[] IS NULL OR p.team = ANY(%(teams)s) OR u.device_id = ANY(%(owned)s))
), held AS (
    SELECT device_id, coalesce(sum(minutes) FILTER (WHERE is_held), 0) / 60 AS hours,
        coalesce(sum(idle_minutes) FILTER (WHERE is_held), 0) / 60 AS idle_hours,
        array_agg(DISTINCT team ORDER BY team) FILTER (WHERE team <> '') AS teams
    FROM used
    GROUP BY 1
), holders AS (
    SELECT device_id, (array_agg(holder ORDER BY minutes DESC, holder))[:3] AS names
    FROM (SELECT device_id, holder, sum(minutes) AS minutes FROM used WHERE holder IS NOT NULL GROUP BY 1, 2) held
    GROUP BY 1
)
SELECT
    d.id, days.signal, days.gpu / days.minutes AS gpu, days.gpu_p95, days.gpu_maximum, days.gpu_memory,
    days.gpu_memory_mib, days.power_watts, days.minutes / 60 AS hours, coalesce(held.hours, 0) AS allocated_hours,
    coalesce(held.idle_hours, 0) AS idle_hours, d.last_hour AS last_seen, held.teams, holders.names AS holders
FROM utilization_device d
JOIN days ON days.device_id = d.id AND days.minutes IS NOT NULL  -- what was measured of it is how busy it was
LEFT JOIN held ON held.device_id = d.id
LEFT JOIN holders ON holders.device_id = d.id

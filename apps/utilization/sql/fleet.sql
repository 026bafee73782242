-- How busy each of %(devices)s was from %(first)s to before %(end)s, and who held it: of devices beside %(owned)s what
-- %(teams)s see of it, where these are given.
WITH days AS (
    SELECT device_id, metric, min(signal) AS signal, sum(minutes) AS minutes,
        sum(average * minutes) / sum(minutes) AS average, max(p95) AS p95, max(maximum) AS maximum
    FROM {days} days
    WHERE day >= %(first)s AND day < %(end)s AND device_id = ANY(%(devices)s) AND metric = ANY(%(metrics)s)
    GROUP BY 1, 2
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
    d.id, gpu.signal, gpu.average AS gpu, gpu.p95 AS gpu_p95, gpu.maximum AS gpu_maximum,
    memory.average AS gpu_memory, mib.maximum AS gpu_memory_mib, power.average AS power_watts,
    gpu.minutes / 60 AS hours, coalesce(held.hours, 0) AS allocated_hours, coalesce(held.idle_hours, 0) AS idle_hours,
    d.last_hour AS last_seen, held.teams, holders.names AS holders
FROM utilization_device d
JOIN days gpu ON gpu.device_id = d.id AND gpu.metric = %(gpu)s
LEFT JOIN days memory ON memory.device_id = d.id AND memory.metric = %(gpu_memory)s
LEFT JOIN days mib ON mib.device_id = d.id AND mib.metric = %(gpu_memory_mib)s
LEFT JOIN days power ON power.device_id = d.id AND power.metric = %(power_watts)s
LEFT JOIN held ON held.device_id = d.id
LEFT JOIN holders ON holders.device_id = d.id

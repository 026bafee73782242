-- How far each resource of `rolled_day` that is measured as a whole was used on its days, hour by hour: the larger of
-- cpu and memory of an hour cannot be told from the averages of a day. An hour without cpu is a gap.
ANALYZE rolled_day;

DELETE FROM utilization_resource_use u USING rolled_day r WHERE u.device_id = r.device_id AND u.day = r.day;

INSERT INTO utilization_resource_use (device_id, day, weight, used, cpu_used, idle_minutes)
SELECT
    device_id, day, sum(minutes), sum(round(minutes * larger, 9)), sum(round(minutes * cpu, 9)),
    coalesce(sum(minutes) FILTER (WHERE is_idle), 0)
FROM (
    SELECT
        r.device_id, r.day, cpu.minutes::numeric AS minutes, cpu.p95 < %(idle_below)s AS is_idle,
        least(greatest(cpu.average, 0), 1)::numeric AS cpu,
        least(greatest(cpu.average, memory.average, 0), 1)::numeric AS larger
    FROM rolled_day r
    JOIN utilization_device d ON d.id = r.device_id AND d.device = ''
    JOIN utilization_hour cpu
        ON cpu.device_id = r.device_id AND cpu.metric = %(cpu)s AND cpu.hour >= r.day AND cpu.hour < r.day + 1
    LEFT JOIN utilization_hour memory
        ON memory.device_id = r.device_id AND memory.metric = %(memory)s AND memory.hour = cpu.hour
        AND memory.hour >= r.day AND memory.hour < r.day + 1
) hour
GROUP BY 1, 2
ORDER BY 2, 1

-- Staged usage becomes node days, pods and pod days. Rows that say the same node or pod of a day add up. A node that was
-- two machines on a day is two node days; a row that names none is of the one that others name, the last of them.
UPDATE staged_usage s
SET resource_id = coalesce(s.resource_id, named.resource_id, '')
FROM (SELECT cluster, node, day, max(resource_id) AS resource_id FROM staged_usage GROUP BY 1, 2, 3) named
WHERE (named.cluster, named.node, named.day) = (s.cluster, s.node, s.day);

CREATE TEMPORARY TABLE loaded_node_day ON COMMIT DROP AS
WITH inserted AS (
    INSERT INTO clusters_nodeday (
        source, delivery_id, cluster, node, resource_id, day, labels, hours, cpu_core_hours, memory_gib_hours, gpu_hours,
        weight
    )
    SELECT
        %(source)s, %(delivery_id)s, cluster, node, resource_id, day,
        coalesce((array_agg(labels) FILTER (WHERE pod IS NULL AND labels IS NOT NULL))[1], '{{}}')::jsonb,
        coalesce(sum(hours) FILTER (WHERE pod IS NULL), max(hours)),
        coalesce(sum(cpu_core_hours) FILTER (WHERE pod IS NULL), 0),
        coalesce(sum(memory_gib_hours) FILTER (WHERE pod IS NULL), 0),
        coalesce(sum(gpu_hours) FILTER (WHERE pod IS NULL), 0),
        0
    FROM staged_usage
    GROUP BY cluster, node, resource_id, day
    RETURNING id, cluster, node, resource_id, day
)
SELECT * FROM inserted;

CREATE TEMPORARY TABLE staged_pod ON COMMIT DROP AS
SELECT
    encode(substr(sha256(convert_to(ROW({columns})::text, 'UTF8')), 1, 16), 'hex')::uuid AS digest, {columns},
    node, resource_id, day, hours, cpu_request_core_hours, cpu_used_core_hours, cpu_core_hours,
    memory_request_gib_hours, memory_used_gib_hours, memory_gib_hours, gpu_hours
FROM (
    SELECT
        cluster, coalesce(namespace, '') AS namespace, coalesce(workload_kind, 'Pod') AS workload_kind,
        coalesce(workload, pod) AS workload, pod, coalesce(labels, '{{}}')::jsonb AS labels,
        node, resource_id, day, hours, cpu_request_core_hours, cpu_used_core_hours, cpu_core_hours,
        memory_request_gib_hours, memory_used_gib_hours, memory_gib_hours, gpu_hours
    FROM staged_usage
    WHERE pod IS NOT NULL
) pods;

INSERT INTO clusters_pod (digest, {columns})
SELECT DISTINCT ON (digest) digest, {columns} FROM staged_pod ORDER BY digest
ON CONFLICT (digest) DO NOTHING;

INSERT INTO clusters_podday (
    node_day_id, pod_id, hours, cpu_request_core_hours, cpu_used_core_hours, cpu_core_hours,
    memory_request_gib_hours, memory_used_gib_hours, memory_gib_hours, gpu_hours, share
)
SELECT
    n.id, p.id, sum(s.hours), coalesce(sum(s.cpu_request_core_hours), 0), coalesce(sum(s.cpu_used_core_hours), 0),
    sum(s.cpu_core_hours), coalesce(sum(s.memory_request_gib_hours), 0), coalesce(sum(s.memory_used_gib_hours), 0),
    sum(s.memory_gib_hours), coalesce(sum(s.gpu_hours), 0), 0
FROM staged_pod s
JOIN loaded_node_day n USING (cluster, node, resource_id, day)
JOIN clusters_pod p USING (digest)
GROUP BY n.id, p.id

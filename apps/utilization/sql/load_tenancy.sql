-- Staged tenancy becomes facts; `rolled_day` says of which devices and days.
DROP TABLE IF EXISTS staged_holder, rolled_day;

-- what a container says twice counts once, the last time; a pod has what its containers have
CREATE TEMPORARY TABLE staged_holder ON COMMIT DROP AS
SELECT
    device_id, hour, encode(substr(sha256(convert_to(ROW({columns})::text, 'UTF8')), 1, 16), 'hex')::uuid AS digest,
    {columns}, max(minutes) AS minutes, least(sum(minutes::numeric * share) / nullif(max(minutes), 0)::numeric, 1) AS share
FROM (
    SELECT DISTINCT ON (n.device_id, s.hour, s.namespace, s.pod, s.container)
        n.device_id, s.hour, s.cluster, s.namespace, s.pod, s.minutes, s.share,
        coalesce(nullif(s.workload_kind, ''), 'Pod') AS workload_kind, coalesce(nullif(s.workload, ''), s.pod) AS workload,
        coalesce(s.labels, '{{}}') AS labels
    FROM staged_tenancy s
    JOIN named_device n USING (device_no)
    ORDER BY n.device_id, s.hour, s.namespace, s.pod, s.container, s.place DESC
) containers
GROUP BY device_id, hour, {columns};

INSERT INTO clusters_pod (digest, {columns})
SELECT DISTINCT ON (digest) digest, {columns} FROM staged_holder WHERE pod <> '' ORDER BY digest
ON CONFLICT (digest) DO NOTHING;

ANALYZE staged_holder;

CREATE TEMPORARY TABLE rolled_day ON COMMIT DROP AS
SELECT DISTINCT device_id, (hour AT TIME ZONE 'UTC')::date AS day FROM staged_holder;

-- a newer delivery has spoken of the hour
DELETE FROM staged_holder s
USING utilization_tenancy t
WHERE t.device_id = s.device_id AND t.hour = s.hour AND t.delivery_id > %(delivery_id)s;

DELETE FROM utilization_tenancy t
USING (SELECT DISTINCT device_id, hour FROM staged_holder) s
WHERE t.device_id = s.device_id AND t.hour = s.hour;

-- nobody is kept too, as the pod 0: an older delivery must not say otherwise afterwards
INSERT INTO utilization_tenancy (device_id, hour, pod_id, delivery_id, minutes, share)
SELECT s.device_id, s.hour, coalesce(p.id, 0), %(delivery_id)s, coalesce(max(s.minutes), 0), coalesce(max(s.share), 0)
FROM staged_holder s
LEFT JOIN clusters_pod p ON p.digest = s.digest AND s.pod <> ''
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- Staged names become devices. A device whose machine was not known, and is named now, is the same one.
UPDATE utilization_device d
SET resource_id = s.resource_id
FROM (
    SELECT DISTINCT ON (cluster, node, device) cluster, node, device, resource_id
    FROM staged_device
    WHERE resource_id <> '' AND node <> ''
    ORDER BY cluster, node, device, resource_id
) s
WHERE d.source = %(source)s AND d.resource_id = ''
  AND (d.cluster, d.node, d.device) = (s.cluster, s.node, s.device)
  AND NOT EXISTS (
      SELECT FROM utilization_device known
      WHERE (known.source, known.cluster, known.node, known.resource_id, known.device)
          = (%(source)s, s.cluster, s.node, s.resource_id, s.device)
  );

INSERT INTO utilization_device AS d (source, cluster, node, resource_id, device, provider, model, slices)
SELECT %(source)s, cluster, node, resource_id, device, coalesce(provider, ''), coalesce(device_model, ''), coalesce(slices, 1)
FROM staged_device
WHERE resource_id <> '' OR node = ''
ORDER BY device_no
ON CONFLICT (source, cluster, node, resource_id, device) DO NOTHING;

-- a name without a machine is another device only where its node has none of that name
INSERT INTO utilization_device AS d (source, cluster, node, resource_id, device, provider, model, slices)
SELECT %(source)s, cluster, node, '', device, coalesce(provider, ''), coalesce(device_model, ''), coalesce(slices, 1)
FROM staged_device s
WHERE s.resource_id = '' AND s.node <> '' AND NOT EXISTS (
    SELECT FROM utilization_device d
    WHERE d.source = %(source)s AND (d.cluster, d.node, d.device) = (s.cluster, s.node, s.device)
)
ORDER BY device_no;

CREATE TEMPORARY TABLE named_device ON COMMIT DROP AS
SELECT s.device_no, found.id AS device_id
FROM staged_device s
CROSS JOIN LATERAL (
    SELECT d.id
    FROM utilization_device d
    WHERE d.source = %(source)s AND (d.cluster, d.node, d.device) = (s.cluster, s.node, s.device)
      AND (d.resource_id = s.resource_id OR (s.resource_id = '' AND s.node <> ''))
    ORDER BY d.id DESC
    LIMIT 1
) found;

UPDATE utilization_device d
SET (provider, model, slices, card_id) = ROW(s.provider, s.model, s.slices, s.card_id)
FROM (
    SELECT DISTINCT ON (d.id)
        d.id, coalesce(s.provider, d.provider) AS provider, coalesce(s.device_model, d.model) AS model,
        coalesce(s.slices, d.slices) AS slices, coalesce(card.device_id, d.card_id) AS card_id
    FROM staged_device s
    JOIN named_device n USING (device_no)
    JOIN utilization_device d ON d.id = n.device_id
    LEFT JOIN named_device card ON card.device_no = s.parent_no
    ORDER BY d.id, s.provider IS NULL, s.device_no DESC
) s
WHERE d.id = s.id
  AND (d.provider, d.model, d.slices, d.card_id) IS DISTINCT FROM (s.provider, s.model, s.slices, s.card_id);

ANALYZE named_device

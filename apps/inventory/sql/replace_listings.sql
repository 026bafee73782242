-- What is staged becomes what the listings in it hold. A row without a resource id says that its listing was read to the
-- end, also where nothing is in it. What is known of later than this snapshot stays as it is.
DROP TABLE IF EXISTS read_listing, told_resource, gone_resource;

CREATE TEMPORARY TABLE read_listing ON COMMIT DROP AS
SELECT DISTINCT listing AS name FROM staged_resource;

INSERT INTO inventory_listing (source, name, read_at, delivery_id)
SELECT %(source)s, name, %(at)s, %(delivery_id)s FROM read_listing
ORDER BY name
ON CONFLICT (source, name) DO UPDATE SET read_at = excluded.read_at, delivery_id = excluded.delivery_id;

-- of a resource that is told twice the last row counts
CREATE TEMPORARY TABLE told_resource ON COMMIT DROP AS
SELECT
    t.*,
    r.id AS known_id,
    s.id AS state_id,
    s.id IS NULL OR s.valid_to IS NOT NULL
        OR ({state_of_t}) IS DISTINCT FROM ({state_of_s}) AS is_other,
    coalesce(r.aliases <> t.aliases OR s.tags <> t.tags, t.tags <> '{{}}') AS is_named_anew,
    coalesce(r.aliases, '{{}}') AS aliases_before
FROM (
    SELECT DISTINCT ON (provider, resource_id) *, ARRAY(SELECT jsonb_array_elements_text(alias_list)) AS aliases
    FROM staged_resource
    WHERE resource_id <> ''
    ORDER BY provider, resource_id, ordinal DESC
) t
LEFT JOIN inventory_resource r
    ON r.source = %(source)s AND r.provider = t.provider AND r.resource_id = t.resource_id
LEFT JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest
WHERE s.id IS NULL OR coalesce(s.valid_to, s.valid_from) <= %(at)s;

CREATE TEMPORARY TABLE gone_resource ON COMMIT DROP AS
SELECT r.id AS known_id, s.id AS state_id
FROM inventory_resource r
JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest
WHERE r.source = %(source)s
  AND %(is_whole)s
  AND r.closed_at IS NULL
  AND r.listing IN (SELECT name FROM read_listing)
  AND s.valid_from <= %(at)s
  AND NOT EXISTS (SELECT FROM told_resource t WHERE t.known_id = r.id);

ANALYZE told_resource;

UPDATE inventory_resourcestate s
SET valid_to = coalesce(s.valid_to, %(at)s), is_latest = false
FROM told_resource t
WHERE s.id = t.state_id AND t.is_other;

UPDATE inventory_resourcestate s SET valid_to = %(at)s FROM gone_resource g WHERE s.id = g.state_id;

UPDATE inventory_resource r SET closed_at = %(at)s FROM gone_resource g WHERE r.id = g.known_id;

INSERT INTO inventory_resource AS r (source, provider, resource_id, {described}, first_seen_at)
SELECT %(source)s, provider, resource_id, {described}, %(at)s
FROM told_resource
ORDER BY provider, resource_id
ON CONFLICT (source, provider, resource_id) DO UPDATE
SET ({described}, closed_at) = ROW({excluded}, NULL::timestamptz)
WHERE r.closed_at IS NOT NULL OR ({described_of_r}) IS DISTINCT FROM ({excluded});

-- tables that were empty a moment ago would be taken for empty still, and joins for cheap that take minutes
ANALYZE inventory_resource;

INSERT INTO inventory_resourcestate (resource_id, valid_from, is_latest, {stated})
SELECT r.id, %(at)s, true, {state_of_t}
FROM told_resource t
JOIN inventory_resource r
    ON r.source = %(source)s AND r.provider = t.provider AND r.resource_id = t.resource_id
WHERE t.is_other;

ANALYZE inventory_resourcestate

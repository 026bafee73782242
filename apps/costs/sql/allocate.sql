-- Which charge group each charge key belongs to, by its own columns, the teams and the organisation's tag keys; what its
-- own tags leave open is told by those that its resource has in the inventory.
-- All keys, or with %(only_new)s those that have no group yet, and besides those of the resources called %(names)s.
-- Changed keys are left in the table reallocated_key.
DROP TABLE IF EXISTS allocated_key, reallocated_key;

CREATE TEMPORARY TABLE allocated_key ON COMMIT DROP AS
WITH tags_of_resource AS (
    SELECT DISTINCT ON (called) called, s.tags
    FROM inventory_resource r
    JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest
    CROSS JOIN LATERAL unnest(r.aliases || r.resource_id) AS called
    WHERE s.tags <> '{{}}'
    ORDER BY called, r.closed_at DESC NULLS FIRST, r.id DESC
), described AS (
    SELECT
        k.id AS key_id,
        coalesce(nullif(k.service_provider_name, ''), k.provider_name, '') AS provider,
        k.billing_account_id AS billing_account,
        coalesce(k.sub_account_id, '') AS sub_account,
        coalesce(k.service_name, '') AS service,
        coalesce(k.service_category, '') AS service_category,
        coalesce(k.region_id, '') AS region,
        coalesce(k.resource_type, '') AS resource_type,
        coalesce(k.sku_id, '') AS sku,
        coalesce(k.charge_category, '') AS charge_category,
        coalesce(k.pricing_category, '') AS pricing_category,
        coalesce(by_tag.slug, by_resource.slug, by_account.slug, '') AS team,
        coalesce(tagged.environment, '') AS environment,
        coalesce(tagged.workload, '') AS workload,
        k.billing_currency
    FROM costs_chargekey k
    LEFT JOIN tags_of_resource known ON known.called = k.resource_id
    CROSS JOIN LATERAL (
        SELECT
            (array_agg(t.value ORDER BY array_position(%(team_keys)s::text[], lower(t.key)))
                FILTER (WHERE t.is_own AND lower(t.key) = ANY(%(team_keys)s::text[])))[1] AS team,
            (array_agg(t.value ORDER BY array_position(%(team_keys)s::text[], lower(t.key)))
                FILTER (WHERE NOT t.is_own AND lower(t.key) = ANY(%(team_keys)s::text[])))[1] AS team_of_resource,
            (array_agg(t.value ORDER BY NOT t.is_own, array_position(%(environment_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(environment_keys)s::text[])))[1] AS environment,
            (array_agg(t.value ORDER BY NOT t.is_own, array_position(%(workload_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(workload_keys)s::text[])))[1] AS workload
        FROM (
            SELECT key, value, true AS is_own FROM jsonb_each_text(k.tags)
            UNION ALL
            SELECT key, value, false FROM jsonb_each_text(known.tags)
        ) t
    ) tagged
    LEFT JOIN accounts_team_of_value by_tag ON by_tag.value = lower(tagged.team)
    LEFT JOIN accounts_team_of_value by_resource ON by_resource.value = lower(tagged.team_of_resource)
    LEFT JOIN accounts_team_of_account by_account ON by_account.account = k.sub_account_id
    WHERE k.group_id IS NULL OR NOT %(only_new)s OR k.resource_id = ANY(%(names)s::text[])
)
SELECT
    encode(substr(sha256(convert_to(ROW({dimensions})::text, 'UTF8')), 1, 16), 'hex')::uuid AS digest,
    described.*
FROM described;

INSERT INTO costs_chargegroup (digest, {dimensions})
SELECT DISTINCT ON (digest) digest, {dimensions} FROM allocated_key
ORDER BY digest
ON CONFLICT (digest) DO NOTHING;

CREATE TEMPORARY TABLE reallocated_key ON COMMIT DROP AS
SELECT a.key_id, g.id AS group_id
FROM allocated_key a
JOIN costs_chargegroup g USING (digest)
JOIN costs_chargekey k ON k.id = a.key_id
WHERE k.group_id IS DISTINCT FROM g.id;

UPDATE costs_chargekey k SET group_id = r.group_id FROM reallocated_key r WHERE k.id = r.key_id

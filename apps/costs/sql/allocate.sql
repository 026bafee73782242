-- Which charge group each charge key belongs to, by its own columns, the teams and the organisation's tag keys.
-- All keys, or with %(only_new)s those that have no group yet. Changed keys are left in the table reallocated_key.
DROP TABLE IF EXISTS allocated_key, reallocated_key;

CREATE TEMPORARY TABLE allocated_key ON COMMIT DROP AS
WITH team_of_value AS (
    SELECT DISTINCT ON (value) value, slug
    FROM accounts_team,
         LATERAL unnest(ARRAY[lower(slug), lower(name)] || (SELECT array_agg(lower(v)) FROM unnest(tag_values) v)) AS value
    ORDER BY value, slug
), team_of_account AS (
    SELECT DISTINCT ON (account) account, slug
    FROM accounts_team, LATERAL unnest(sub_account_ids) AS account
    ORDER BY account, slug
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
        coalesce(by_tag.slug, by_account.slug, '') AS team,
        coalesce(tagged.environment, '') AS environment,
        coalesce(tagged.workload, '') AS workload,
        k.billing_currency
    FROM costs_chargekey k
    CROSS JOIN LATERAL (
        SELECT
            (array_agg(t.value ORDER BY array_position(%(team_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(team_keys)s::text[])))[1] AS team,
            (array_agg(t.value ORDER BY array_position(%(environment_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(environment_keys)s::text[])))[1] AS environment,
            (array_agg(t.value ORDER BY array_position(%(workload_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(workload_keys)s::text[])))[1] AS workload
        FROM jsonb_each_text(k.tags) t
    ) tagged
    LEFT JOIN team_of_value by_tag ON by_tag.value = lower(tagged.team)
    LEFT JOIN team_of_account by_account ON by_account.account = k.sub_account_id
    WHERE k.group_id IS NULL OR NOT %(only_new)s
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

-- What resources can be filtered by: each column's values, within what some teams (null = everybody) own.
WITH present AS (
    SELECT DISTINCT r.provider, r.sub_account_id, r.region_id, r.kind, s.state, s.team
    FROM inventory_resource r
    JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest
    WHERE %(teams)s::text[] IS NULL OR (s.team <> '' AND s.team = ANY(%(teams)s::text[]))
)
SELECT DISTINCT choice.name, choice.value
FROM present
CROSS JOIN LATERAL (
    VALUES ('provider', provider), ('sub_account', sub_account_id), ('region', region_id), ('kind', kind),
        ('state', state), ('team', team)
) AS choice (name, value)
WHERE choice.value <> ''
ORDER BY choice.name, choice.value

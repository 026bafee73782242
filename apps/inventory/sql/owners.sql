-- Which team a resource belongs to: that of its tags, else that of its sub account; as charges are allocated.
-- All states, or with %(only_new)s those of which it has not been decided yet.
UPDATE inventory_resourcestate s
SET team = decided.team
FROM (
    SELECT s.id, coalesce(by_tag.slug, by_account.slug, '') AS team
    FROM inventory_resourcestate s
    JOIN inventory_resource r ON r.id = s.resource_id
    CROSS JOIN LATERAL (
        SELECT
            (array_agg(t.value ORDER BY array_position(%(team_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(team_keys)s::text[])))[1] AS team
        FROM jsonb_each_text(s.tags) t
    ) tagged
    LEFT JOIN accounts_team_of_value by_tag ON by_tag.value = lower(tagged.team)
    LEFT JOIN accounts_team_of_account by_account ON by_account.account = r.sub_account_id
    WHERE s.team IS NULL OR NOT %(only_new)s
) decided
WHERE s.id = decided.id AND s.team IS DISTINCT FROM decided.team

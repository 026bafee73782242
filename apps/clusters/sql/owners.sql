-- The team of each pod, by its labels, else by its namespace; of all pods, or with %(only_new)s of those without one yet.
WITH decided AS (
    SELECT p.id, coalesce(by_label.slug, by_namespace.slug, '') AS team
    FROM clusters_pod p
    CROSS JOIN LATERAL (
        SELECT
            (array_agg(t.value ORDER BY array_position(%(team_keys)s::text[], lower(t.key)))
                FILTER (WHERE lower(t.key) = ANY(%(team_keys)s::text[])))[1] AS team
        FROM jsonb_each_text(p.labels) t
    ) labelled
    LEFT JOIN accounts_team_of_value by_label ON by_label.value = lower(labelled.team)
    LEFT JOIN accounts_team_of_value by_namespace ON by_namespace.value = lower(p.namespace)
    WHERE p.team IS NULL OR NOT %(only_new)s
)
UPDATE clusters_pod p SET team = d.team FROM decided d WHERE d.id = p.id AND p.team IS DISTINCT FROM d.team

-- Nodes of which a day has no bill, with the reason, and how many node days have one.
WITH {bills}
SELECT
    n.cluster, n.node, n.resource_id,
    CASE
        WHEN b.id IS NOT NULL THEN ''
        WHEN n.resource_id = '' THEN 'no_machine'
        WHEN NOT EXISTS (SELECT FROM machine_key k WHERE k.resource_id = n.resource_id) THEN 'never_billed'
        WHEN n.day > {newest} THEN 'not_yet'
        ELSE 'not_billed'
    END AS reason,
    count(DISTINCT n.day), min(n.day), max(n.day)
FROM clusters_nodeday n
LEFT JOIN node_bill b ON b.id = n.id
WHERE n.day BETWEEN {first} AND {last} AND {of_node}
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 6

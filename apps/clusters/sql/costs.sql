-- The bills of nodes, divided: one row for each set of keys (and day), and what nobody had as idle. Rows add up to the
-- bills exactly: parts are cut at the 18th decimal, and idle is what they leave over. They are rounded at the 24th before,
-- so that a part that is 36 by rights is not 35.999999999999999999 because a sixth has no end.
--
-- Slots: node_keys and pod_keys are the keys that a node and a pod knows, the former with nulls for what only pods have.
WITH {bills}, divided AS (
    {divided}
), idle AS (
    SELECT b.id AS node_day_id, b.currency, b.cost - coalesce(sum(d.part), 0) AS cost
    FROM node_bill b
    LEFT JOIN divided d ON d.node_day_id = b.id AND d.currency = b.currency
    GROUP BY b.id, b.currency, b.cost
), line AS (
    SELECT
        d.currency, ARRAY[{pod_keys}]::text[] AS keys, {day} AS day, false AS is_idle, d.part AS cost,
        d.cpu_core_hours, d.memory_gib_hours, d.gpu_hours
    FROM divided d
    JOIN clusters_nodeday n ON n.id = d.node_day_id
    JOIN clusters_pod p ON p.id = d.pod_id
    WHERE {of_pod}
    UNION ALL
    SELECT i.currency, ARRAY[{node_keys}]::text[], {day}, true, i.cost, 0, 0, 0
    FROM idle i
    JOIN clusters_nodeday n ON n.id = i.node_day_id
    WHERE {of_idle}
)
SELECT
    currency, keys, day, is_idle, trim_scale(sum(cost)), sum(cpu_core_hours), sum(memory_gib_hours), sum(gpu_hours)
FROM line
GROUP BY 1, 2, 3, 4
HAVING NOT is_idle OR {with_idle}
ORDER BY currency, day, is_idle, sum(cost) DESC, keys
LIMIT {most_rows}

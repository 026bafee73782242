-- what is idle goes to pods in proportion to their shares, and what cutting leaves over to the largest
    SELECT
        node_day_id, currency, pod_id,
        CASE WHEN place > 1 OR share = 0 THEN part ELSE cost - (sum(part) OVER every - part) END AS part,
        cpu_core_hours, memory_gib_hours, gpu_hours
    FROM (
        SELECT
            b.id AS node_day_id, b.currency, b.cost, d.pod_id, d.share,
            coalesce(trunc(round(b.cost * d.share / nullif(sum(d.share) OVER of_node, 0), 24), 18), 0) AS part,
            row_number() OVER (of_node ORDER BY d.share DESC, d.id) AS place,
            d.cpu_core_hours, d.memory_gib_hours, d.gpu_hours
        FROM node_bill b
        JOIN clusters_podday d ON d.node_day_id = b.id
        WINDOW of_node AS (PARTITION BY b.id, b.currency)
    ) parts
    WINDOW every AS (PARTITION BY node_day_id, currency)

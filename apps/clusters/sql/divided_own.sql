SELECT
        b.id AS node_day_id, b.currency, d.pod_id, trunc(round(b.cost * d.share, 24), 18) AS part,
        d.cpu_core_hours, d.memory_gib_hours, d.gpu_hours
    FROM node_bill b
    JOIN clusters_podday d ON d.node_day_id = b.id

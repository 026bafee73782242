-- Which part of its node's bill each pod day has. Of all, or of the node days in the array %(nodes)s.
--
-- A node's bill is divided into what its processors, its memory and its GPUs are worth: what is allocatable of each (or,
-- where nobody knows that, what pods had of it) at its price. Of each part a pod has what it had over the larger of what
-- is allocatable and what all pods had together, so that overcommitted nodes add up too. Shares are cut, not rounded:
-- together they never exceed one, and what is missing to it is idle.
CREATE TEMPORARY TABLE weighed_node ON COMMIT DROP AS
WITH had AS (
    SELECT node_day_id, sum(cpu_core_hours) AS cpu, sum(memory_gib_hours) AS memory, sum(gpu_hours) AS gpu
    FROM clusters_podday
    WHERE %(nodes)s::bigint[] IS NULL OR node_day_id = ANY(%(nodes)s::bigint[])
    GROUP BY node_day_id
)
SELECT
    n.id,
    round(coalesce(nullif(n.cpu_core_hours, 0), h.cpu, 0) * %(cpu_core_hour)s, 60) AS cpu_worth,
    round(coalesce(nullif(n.memory_gib_hours, 0), h.memory, 0) * %(memory_gib_hour)s, 60) AS memory_worth,
    round(coalesce(nullif(n.gpu_hours, 0), h.gpu, 0) * %(gpu_hour)s, 60) AS gpu_worth,
    nullif(greatest(n.cpu_core_hours, h.cpu), 0) AS cpu,
    nullif(greatest(n.memory_gib_hours, h.memory), 0) AS memory,
    nullif(greatest(n.gpu_hours, h.gpu), 0) AS gpu
FROM clusters_nodeday n
LEFT JOIN had h ON h.node_day_id = n.id
WHERE %(nodes)s::bigint[] IS NULL OR n.id = ANY(%(nodes)s::bigint[]);

UPDATE clusters_nodeday n
SET weight = round(w.cpu_worth + w.memory_worth + w.gpu_worth, 28)
FROM weighed_node w
WHERE w.id = n.id;

UPDATE clusters_podday p
SET share = trunc(
    coalesce(
        (
            coalesce(p.cpu_core_hours * w.cpu_worth / w.cpu, 0)
            + coalesce(p.memory_gib_hours * w.memory_worth / w.memory, 0)
            + coalesce(p.gpu_hours * w.gpu_worth / w.gpu, 0)
        ) / nullif(w.cpu_worth + w.memory_worth + w.gpu_worth, 0),
        0
    ),
    40
)
FROM weighed_node w
WHERE w.id = p.node_day_id;

DROP TABLE weighed_node

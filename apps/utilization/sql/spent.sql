-- What each GPU cost on each day, by who held it: CTEs that end in `spent`; queries/money.py adds what is asked of them.
--
-- A machine's effective cost of a day divides by card-minutes; cumulated and rounded, so that parts add up to the last
-- digit. Who filters, filters `spent`: leaving out a device before would make its neighbours dearer. Whole machines may be
-- left out before, by all their names.
WITH any_gpu AS MATERIALIZED (
    SELECT
        d.id, d.source, d.cluster, d.node, d.device, d.model, d.resource_id,
        coalesce(nullif(d.resource_id, ''), (
            SELECT n.resource_id FROM clusters_nodeday n
            WHERE d.node <> '' AND n.cluster = d.cluster AND n.node = d.node AND n.resource_id <> ''
            ORDER BY n.day DESC
            LIMIT 1
        )) AS named
    FROM utilization_device d
    WHERE d.device <> '' OR EXISTS (
        SELECT FROM utilization_use u WHERE u.device_id = d.id AND u.day BETWEEN %(first)s AND %(last)s
    )
), gpu AS MATERIALIZED (
    SELECT * FROM any_gpu WHERE %(machines)s::text[] IS NULL OR named = ANY(%(machines)s)
), called AS MATERIALIZED (
    -- every name that bills may use for a machine
    SELECT named, named AS name FROM gpu WHERE named IS NOT NULL
    UNION
    SELECT g.named, unnest(r.resource_id || r.aliases) FROM gpu g JOIN inventory_resource r ON r.resource_id = g.named
    UNION
    SELECT g.named, unnest(r.resource_id || r.aliases) FROM gpu g JOIN inventory_resource r ON r.aliases @> ARRAY[g.named]
), machine AS MATERIALIZED (
    -- two names of one machine are one machine
    SELECT named, min(name) AS machine FROM called GROUP BY 1
), charged AS MATERIALIZED (
    SELECT c.machine, f.day, k.billing_currency AS currency, g.team, sum(f.effective_cost) AS cost
    FROM (SELECT DISTINCT m.machine, c.name FROM called c JOIN machine m USING (named)) c
    JOIN costs_chargekey k ON k.resource_id = c.name
    JOIN costs_chargegroup g ON g.id = k.group_id
    JOIN costs_dailycharge f ON f.key_id = k.id AND f.day BETWEEN %(first)s AND %(last)s
    GROUP BY 1, 2, 3, 4
), billed AS MATERIALIZED (
    SELECT machine, day, currency, sum(cost) AS cost FROM charged GROUP BY 1, 2, 3
), owner AS MATERIALIZED (
    SELECT DISTINCT ON (machine) machine, team
    FROM (SELECT machine, team, sum(cost) AS cost FROM charged GROUP BY 1, 2) by_team
    ORDER BY machine, cost DESC, team
), tenants_known AS MATERIALIZED (
    -- in a cluster whose tenants nobody tells of, GPUs are taken for held by the owner of their machine
    SELECT DISTINCT g.source, g.cluster FROM any_gpu g
    WHERE EXISTS (SELECT FROM utilization_tenancy t WHERE t.device_id = g.id)
), measured AS MATERIALIZED (
    SELECT u.*, g.source, g.device, m.machine
    FROM utilization_use u
    JOIN gpu g ON g.id = u.device_id
    LEFT JOIN machine m ON m.named = g.named
    WHERE u.day BETWEEN %(first)s AND %(last)s
), counted AS (
    -- where two sources tell of one machine, the one that knows its tenants, else most of it
    SELECT DISTINCT ON (machine, day) machine, day, source, is_device
    FROM (
        SELECT machine, day, source, device <> '' AS is_device, sum(weight) AS weight,
            coalesce(sum(weight) FILTER (WHERE pod_id <> 0), 0) AS held
        FROM measured
        WHERE machine IS NOT NULL
        GROUP BY 1, 2, 3, 4
    ) told
    ORDER BY machine, day, is_device DESC, held DESC, weight DESC, source
), divided AS (
    SELECT
        u.device_id, u.day, u.pod_id, u.weight, u.used, u.machine, b.currency,
        round(b.cost * sum(u.weight) OVER up_to_here / sum(u.weight) OVER all_of_it, 18)
            - round(b.cost * (sum(u.weight) OVER up_to_here - u.weight) / sum(u.weight) OVER all_of_it, 18) AS cost
    FROM measured u
    JOIN counted c ON c.machine = u.machine AND c.day = u.day AND c.source = u.source AND c.is_device = (u.device <> '')
    JOIN billed b ON b.machine = u.machine AND b.day = u.day
    WINDOW
        all_of_it AS (PARTITION BY u.machine, u.day, b.currency),
        up_to_here AS (PARTITION BY u.machine, u.day, b.currency ORDER BY u.device_id, u.pod_id)
), used AS (
    SELECT
        d.*, g.cluster, g.node, g.model, coalesce(nullif(p.team, ''), o.team, '') AS team,
        d.pod_id <> 0 OR k.source IS NULL AS is_held,
        CASE WHEN d.pod_id <> 0 OR k.source IS NULL
            THEN coalesce(round(d.cost * least(d.used / nullif(d.weight, 0), 1), 18), 0) ELSE 0 END AS cost_used
    FROM divided d
    JOIN gpu g ON g.id = d.device_id
    LEFT JOIN clusters_pod p ON p.id = d.pod_id
    LEFT JOIN owner o ON o.machine = d.machine
    LEFT JOIN tenants_known k ON k.source = g.source AND k.cluster = g.cluster
), spent AS (
    SELECT
        day, machine, device_id, cluster, node, model, team, currency, cost, cost_used AS used,
        CASE WHEN is_held THEN cost - cost_used ELSE 0 END AS idle,
        CASE WHEN is_held THEN 0 ELSE cost END AS unallocated,
        0::numeric AS unmeasured
    FROM used
    UNION ALL
    -- what machines with GPUs cost on days on which nobody measured them
    SELECT b.day, b.machine, NULL, g.cluster, g.node, g.model, coalesce(o.team, ''), b.currency, b.cost, 0, 0, 0, b.cost
    FROM billed b
    LEFT JOIN owner o USING (machine)
    JOIN (
        SELECT m.machine, min(g.cluster) AS cluster, min(g.node) AS node, min(g.model) AS model
        FROM machine m
        JOIN gpu g USING (named)
        GROUP BY 1
    ) g USING (machine)
    WHERE NOT EXISTS (SELECT FROM counted c WHERE c.machine = b.machine AND c.day = b.day)
)

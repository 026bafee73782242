-- What machines, databases and the like without GPUs cost on each day: CTEs after those of spent.sql that end in `others`,
-- with the columns of `spent`. What is in one of the two is not in the other.
, whole AS MATERIALIZED (
    -- what cpu was measured of, as its source names it
    SELECT d.id, d.source, coalesce(nullif(d.resource_id, ''), (
        SELECT n.resource_id FROM clusters_nodeday n
        WHERE d.node <> '' AND n.cluster = d.cluster AND n.node = d.node AND n.resource_id <> ''
        ORDER BY n.day DESC
        LIMIT 1
    )) AS named
    FROM utilization_device d
    WHERE EXISTS (
        SELECT FROM utilization_resource_use u WHERE u.device_id = d.id AND u.day BETWEEN %(first)s AND %(last)s
    )
), could_be_called AS MATERIALIZED (
    -- every name that bills may use for these, and for what could be measured
    SELECT named, named AS name, NULL AS kind FROM whole
    WHERE named IS NOT NULL AND (%(machines)s::text[] IS NULL OR named = ANY(%(machines)s))
    UNION
    SELECT w.named, unnest(r.resource_id || r.aliases), r.kind
    FROM whole w
    JOIN inventory_resource r ON r.resource_id = w.named
    WHERE %(machines)s::text[] IS NULL OR w.named = ANY(%(machines)s)
    UNION
    SELECT w.named, unnest(r.resource_id || r.aliases), r.kind
    FROM whole w
    JOIN inventory_resource r ON r.aliases @> ARRAY[w.named]
    WHERE %(machines)s::text[] IS NULL OR w.named = ANY(%(machines)s)
    UNION
    SELECT r.resource_id, unnest(r.resource_id || r.aliases), r.kind
    FROM inventory_resource r
    WHERE r.kind = ANY(%(kinds)s) AND (%(machines)s::text[] IS NULL OR r.resource_id = ANY(%(machines)s))
), with_gpus AS MATERIALIZED (
    -- also where nothing measures them: their cpu says nothing of what they are rented for
    SELECT name FROM called
    UNION
    SELECT unnest(r.resource_id || r.aliases)
    FROM inventory_resource r
    JOIN inventory_resourcestate s ON s.resource_id = r.id AND s.is_latest
    WHERE s.details ->> 'gpus' ~ '^[1-9]'
), other AS MATERIALIZED (
    -- what a cluster itself costs is not what its nodes are measured for
    SELECT named, min(name) AS machine, max(kind) AS kind, coalesce(bool_or(kind = 'database'), false) AS is_database
    FROM could_be_called
    GROUP BY 1
    HAVING NOT bool_or(name IN (SELECT name FROM with_gpus)) AND NOT coalesce(bool_or(kind = 'cluster'), false)
), other_called AS MATERIALIZED (
    -- a name counts for one resource, whatever else goes by it; numbers are faster to sort by than long names
    SELECT name, machine, dense_rank() OVER (ORDER BY machine COLLATE "C") AS no
    FROM (SELECT c.name, min(o.machine) AS machine FROM could_be_called c JOIN other o USING (named) GROUP BY 1) called
), other_key AS MATERIALIZED (
    SELECT
        k.id, c.machine, c.no, k.billing_currency AS currency, g.team, g.service_category = 'Databases' AS is_database,
        coalesce(k.sku_price_details ->> 'GpuCount' ~ '^[1-9]', false) AS has_gpus
    FROM other_called c
    JOIN costs_chargekey k ON k.resource_id = c.name
    JOIN costs_chargegroup g ON g.id = k.group_id
), sort AS MATERIALIZED (
    -- what the inventory does not know, the bill tells
    SELECT k.no, CASE WHEN o.kind IS NULL THEN bool_or(k.is_database) ELSE o.is_database END AS is_database
    FROM other_key k
    JOIN (SELECT machine, max(kind) AS kind, bool_or(is_database) AS is_database FROM other GROUP BY 1) o USING (machine)
    GROUP BY k.no, o.kind, o.is_database
    HAVING NOT bool_or(k.has_gpus)
), other_device AS MATERIALIZED (
    SELECT w.id, w.source, c.no, count(*) OVER (PARTITION BY c.no) = 1 AS is_alone
    FROM whole w
    JOIN other_called c ON c.name = w.named
), other_told AS (
    SELECT d.no, u.day, u.weight, u.used, u.cpu_used
    FROM other_device d
    JOIN utilization_resource_use u ON u.device_id = d.id AND u.day BETWEEN %(first)s AND %(last)s
    WHERE d.is_alone
    UNION ALL
    (
        -- several machines with one bill add up; where two sources tell of one resource, the one that saw most of it
        SELECT DISTINCT ON (no, day) no, day, weight, used, cpu_used
        FROM (
            SELECT d.no, u.day, d.source, sum(u.weight) AS weight, sum(u.used) AS used, sum(u.cpu_used) AS cpu_used
            FROM other_device d
            JOIN utilization_resource_use u ON u.device_id = d.id AND u.day BETWEEN %(first)s AND %(last)s
            WHERE NOT d.is_alone
            GROUP BY 1, 2, 3
        ) told
        ORDER BY no, day, weight DESC, source
    )
), others AS (
    -- charge by charge: whatever is rounded, the parts of each add up
    SELECT
        f.day, k.machine, NULL::bigint AS device_id, '' AS cluster, '' AS node, '' AS model, k.team, k.currency,
        f.effective_cost AS cost, part.used,
        CASE WHEN t.day IS NULL THEN 0 ELSE f.effective_cost - part.used END AS idle, 0::numeric AS unallocated,
        CASE WHEN t.day IS NULL THEN f.effective_cost ELSE 0 END AS unmeasured
    FROM other_key k
    JOIN sort s ON s.no = k.no
    JOIN costs_dailycharge f ON f.key_id = k.id AND f.day BETWEEN %(first)s AND %(last)s
    LEFT JOIN other_told t ON t.no = k.no AND t.day = f.day
    CROSS JOIN LATERAL (
        SELECT coalesce(
            round(f.effective_cost * CASE WHEN s.is_database THEN t.cpu_used ELSE t.used END / t.weight, 18), 0
        ) AS used
    ) part
)

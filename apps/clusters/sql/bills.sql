machine AS MATERIALIZED (
    SELECT DISTINCT resource_id FROM clusters_nodeday WHERE day BETWEEN {first} AND {last} AND resource_id <> ''
), named AS (
    -- every id that bills may use for it
    SELECT resource_id, resource_id AS alias FROM machine
    UNION
    SELECT m.resource_id, alias
    FROM machine m
    JOIN inventory_resource r ON r.resource_id = m.resource_id OR r.aliases @> ARRAY[m.resource_id]
    CROSS JOIN LATERAL unnest(r.aliases || r.resource_id) alias
), machine_key AS MATERIALIZED (
    -- each charge key counts for one machine
    SELECT DISTINCT ON (k.id) k.id AS key_id, k.billing_currency, named.resource_id
    FROM named
    JOIN costs_chargekey k
        ON lower(substring(k.resource_id from '[^/]+$')) = lower(substring(named.alias from '[^/]+$'))
    WHERE lower(k.resource_id) = lower(named.alias)
        OR (named.alias ~ '^i-[0-9a-f]+$' AND k.resource_id LIKE 'arn:aws%%:instance/' || named.alias)
    ORDER BY k.id, named.resource_id
), bill AS MATERIALIZED (
    SELECT k.resource_id, f.day, {currency} AS currency, sum(f.{cost} * {factor}) AS cost, bool_or({no_rate}) AS no_rate
    FROM machine_key k
    JOIN costs_dailycharge f ON f.key_id = k.key_id AND f.day BETWEEN {first} AND {last}
    {rates}
    GROUP BY 1, 2, 3
), node_part AS (
    -- nodes that are billed together (a scale set) divide by what is allocatable of each; one alone has all
    SELECT
        n.id, b.currency, b.cost, b.no_rate, n.day,
        row_number() OVER together AS place,
        trunc(
            round(
                b.cost * coalesce(
                    round(n.weight, 40) / nullif(sum(n.weight) OVER all_of_it, 0), 1.0 / count(*) OVER all_of_it
                ),
                24
            ),
            18
        ) AS part
    FROM clusters_nodeday n
    JOIN bill b ON b.resource_id = n.resource_id AND b.day = n.day
    WINDOW
        all_of_it AS (PARTITION BY n.resource_id, n.day, b.currency),
        together AS (PARTITION BY n.resource_id, n.day, b.currency ORDER BY n.weight DESC, n.id)
), node_bill AS MATERIALIZED (
    SELECT
        p.id, p.currency, p.no_rate, p.day,
        CASE WHEN place = 1 THEN p.cost - (sum(p.part) OVER every - p.part) ELSE p.part END AS cost
    FROM node_part p
    JOIN clusters_nodeday n ON n.id = p.id
    WINDOW every AS (PARTITION BY n.resource_id, n.day, p.currency)
)

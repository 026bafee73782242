-- What the prices of now can be filtered by, each column's values in order.
WITH known AS MATERIALIZED (
    SELECT DISTINCT provider, service_name, region_id, pricing_category, operating_system
    FROM pricing_price
    WHERE seen_until IS NULL
)
SELECT DISTINCT name, value
FROM known,
     LATERAL (VALUES
        ('provider', provider),
        ('service', service_name),
        ('region', region_id),
        ('pricing_category', pricing_category),
        ('operating_system', operating_system)
     ) AS one (name, value)
WHERE value <> ''
ORDER BY name, value

-- Devices whose machine's charges are these teams'.
SELECT d.id
FROM utilization_device d
CROSS JOIN LATERAL (
    SELECT d.resource_id AS name
    UNION
    SELECT unnest(r.resource_id || r.aliases) FROM inventory_resource r WHERE r.resource_id = d.resource_id
    UNION
    SELECT unnest(r.resource_id || r.aliases) FROM inventory_resource r WHERE r.aliases @> ARRAY[d.resource_id]
) called
JOIN costs_chargekey k ON k.resource_id = called.name
JOIN costs_chargegroup g ON g.id = k.group_id
WHERE d.resource_id <> '' AND g.team = ANY(%s)

-- Names of the custom columns that charges of a selection have, and whether FOCUS knows them (in another version).
-- {others} makes an object of the key's columns that the version written has not.
WITH selected AS MATERIALIZED (
    {selected}
)
SELECT DISTINCT is_focus, name
FROM selected s
JOIN costs_chargekey k ON k.id = s.id
CROSS JOIN LATERAL (
    SELECT TRUE AS is_focus, jsonb_object_keys(jsonb_strip_nulls({others})) AS name
    UNION ALL
    SELECT FALSE, jsonb_object_keys(k.x_columns)
) named
WHERE EXISTS (
    SELECT FROM costs_monthlycost m
    WHERE m.key_id = k.id AND m.month BETWEEN date_trunc('month', {first}::timestamp)::date AND {last}
)
ORDER BY is_focus DESC, name

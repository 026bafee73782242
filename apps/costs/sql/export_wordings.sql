-- How charges of a selection name issuers, units and services: what an export puts into FOCUS's words.
WITH selected AS MATERIALIZED (
    {selected}
)
SELECT
    coalesce(k.provider_name, k.service_provider_name), k.invoice_issuer_name, k.pricing_unit, k.consumed_unit,
    k.commitment_discount_unit, k.service_name, k.service_category, k.service_subcategory, count(*)
FROM selected s
JOIN costs_chargekey k ON k.id = s.id
WHERE EXISTS (
    SELECT FROM costs_monthlycost m
    WHERE m.key_id = k.id AND m.month BETWEEN date_trunc('month', {first}::timestamp)::date AND {last}
)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8

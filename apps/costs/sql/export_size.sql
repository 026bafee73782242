-- How many rows an export has, how many of them name a unit for no quantity, and how many have a value in the facts'
-- columns that the version has not.
WITH selected AS MATERIALIZED (
    {selected}
)
SELECT count(*), count(k.pricing_unit) FILTER (WHERE f.pricing_quantity IS NULL){others}
FROM costs_dailycharge f
JOIN selected s ON s.id = f.key_id
JOIN costs_chargekey k ON k.id = f.key_id
WHERE f.day BETWEEN {first} AND {last}

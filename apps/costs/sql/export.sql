-- The FOCUS rows of a selection, for COPY: one statement, so that a delivery that arrives meanwhile is in it whole or
-- not at all. Rows come in no order, because sorting would hold all of them.
WITH selected AS MATERIALIZED (
    {selected}
)
SELECT {columns}
FROM costs_dailycharge f
JOIN selected s ON s.id = f.key_id
JOIN costs_chargekey k ON k.id = f.key_id
JOIN costs_statement st ON st.id = f.statement_id
WHERE f.day BETWEEN {first} AND {last}

-- One page of the charges behind a number, with everything that the bill said about them.
WITH {found}, page AS (
    SELECT *
    FROM found f
    ORDER BY {order}, f.statement_id, f.first_row, f.key_id, f.day
    LIMIT {limit} OFFSET {offset}
)
SELECT
    f.day, f.charge_period_start, f.charge_period_end, g.billing_currency AS currency,
    f.billed_cost, f.effective_cost, f.list_cost, f.contracted_cost,
    f.list_unit_price, f.contracted_unit_price, f.pricing_quantity, f.consumed_quantity,
    f.invoice_id, g.team, g.environment, g.workload,
    to_jsonb(k) - ARRAY['id', 'digest', 'group_id', 'billing_currency'] AS columns,
    st.source, st.delivery_id, f.statement_id, f.first_row, f.row_count
FROM page f
JOIN costs_chargekey k ON k.id = f.key_id
JOIN costs_chargegroup g ON g.id = k.group_id
JOIN costs_statement st ON st.id = f.statement_id
ORDER BY {order}, f.statement_id, f.first_row, f.key_id, f.day

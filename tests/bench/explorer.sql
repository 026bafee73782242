-- A large organisation: 5,000 charge groups, 25,600 charge keys, one of the services with more than 10,000 resources,
-- and a charge of every key on every day of 13 months: 10.1 million.
INSERT INTO costs_chargegroup (
    id, digest, provider, billing_account, sub_account, service, service_category, region, resource_type, sku,
    charge_category, pricing_category, team, environment, workload, billing_currency
)
SELECT
    g, md5('group ' || g)::uuid, (ARRAY['AWS', 'Google Cloud', 'Microsoft'])[1 + account % 3], 'payer-' || account % 6,
    'account-' || account, 'service-' || sku % 60, 'category-' || sku % 12, 'region-' || g * 7 % 20,
    'type-' || sku % 25, 'sku-' || sku, (ARRAY['Usage', 'Usage', 'Usage', 'Tax', 'Credit', 'Purchase'])[1 + sku % 6],
    (ARRAY['Standard', 'Committed', 'Dynamic', ''])[1 + g % 4],
    (ARRAY['', 'ml-platform', 'research', 'vision', 'search', 'data', 'voice', 'shared'])[1 + account % 8],
    (ARRAY['', 'production', 'staging', 'development'])[1 + g / 4 % 4],
    CASE WHEN g % 3 = 0 THEN '' ELSE 'workload-' || g % 30 END, 'USD'
FROM (SELECT g, g * 31 % 40 AS account, (g * 17 + g / 800) % 800 AS sku FROM generate_series(1, 5000) g) made;

INSERT INTO costs_chargekey (id, digest, group_id, billing_account_id, billing_currency, service_name, resource_id, tags)
SELECT
    k, md5('key ' || k)::uuid, g.id, g.billing_account, g.billing_currency, g.service,
    CASE WHEN k % 20 > 0 OR k > 17000 THEN 'resource-' || k END,
    jsonb_build_object('env', g.environment, 'cost-centre', 'cc-' || k % 40, 'app', 'app-' || k % 300)
FROM generate_series(1, 25600) k
JOIN (
    SELECT *, row_number() OVER (PARTITION BY service ORDER BY id) AS place, count(*) OVER (PARTITION BY service) AS many
    FROM costs_chargegroup
) g ON CASE
    WHEN k <= 5000 THEN g.id = k
    WHEN k <= 17000 THEN g.service = 'service-7' AND g.place = 1 + k % g.many
    ELSE g.id = 1 + k % 5000
END;

INSERT INTO costs_statement (
    id, source, delivery_id, billing_account_id, billing_period_start, billing_period_end, billing_currency, row_count,
    billed_cost_in_file, effective_cost_in_file, billed_cost, effective_cost, first_day, last_day
)
SELECT
    row_number() OVER (ORDER BY month), 'bench', 1, 'payer', month, month + interval '1 month', 'USD', 0, 0, 0, 0, 0,
    month, month + interval '1 month' - interval '1 day'
FROM generate_series(date '2025-07-01', '2026-07-01', interval '1 month') month;

DROP INDEX costs_dailycharge_key;

SELECT setseed(0.42);

INSERT INTO costs_dailycharge (
    statement_id, key_id, day, charge_period_start, charge_period_end, billed_cost, effective_cost, list_cost,
    contracted_cost, pricing_quantity, consumed_quantity, row_count, first_row
)
SELECT
    s.id, k, s.first_day + d, CASE WHEN k % 200 = 0 THEN s.first_day END,
    CASE WHEN k % 200 = 0 THEN s.billing_period_end END, amount, amount * 0.9,
    CASE WHEN k % 50 > 0 THEN amount * 1.2 END, amount, 24, 24, 24, d * 25600 + k
FROM (
    SELECT s.*, d, k, round((random() * 100 / (1 + k % 97))::numeric, 10) AS amount
    FROM costs_statement s, generate_series(0, s.last_day - s.first_day) d, generate_series(1, 25600) k
) s;

CREATE INDEX costs_dailycharge_key ON costs_dailycharge (key_id, day)

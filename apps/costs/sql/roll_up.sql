-- Rollups of whole statements, derived from their facts alone. A row never mixes charges with and without a list or
-- contracted price, so that what has none can be told.
DELETE FROM costs_dailycost WHERE statement_id = ANY(%(statements)s) AND day BETWEEN %(first_day)s AND %(last_day)s;

DELETE FROM costs_monthlygroupcost WHERE statement_id = ANY(%(statements)s);

DELETE FROM costs_monthlycost WHERE statement_id = ANY(%(statements)s);

INSERT INTO costs_dailycost
SELECT
    f.statement_id, k.group_id, f.day, f.charge_period_end IS NOT NULL,
    sum(f.billed_cost), sum(f.effective_cost), sum(f.list_cost), sum(f.contracted_cost), count(*)
FROM costs_dailycharge f
JOIN costs_chargekey k ON k.id = f.key_id
WHERE f.statement_id = ANY(%(statements)s) AND f.day BETWEEN %(first_day)s AND %(last_day)s
GROUP BY 1, 2, 3, 4, f.list_cost IS NULL, f.contracted_cost IS NULL
ORDER BY 3, 2;

INSERT INTO costs_monthlygroupcost
SELECT
    statement_id, group_id, date_trunc('month', day)::date, is_long, max(day),
    sum(billed_cost), sum(effective_cost), sum(list_cost), sum(contracted_cost), sum(charge_count)
FROM costs_dailycost
WHERE statement_id = ANY(%(statements)s) AND day BETWEEN %(first_day)s AND %(last_day)s
GROUP BY 1, 2, 3, 4, list_cost IS NULL, contracted_cost IS NULL
ORDER BY 3, 2;

INSERT INTO costs_monthlycost
SELECT
    statement_id, key_id, date_trunc('month', day)::date,
    sum(billed_cost), sum(effective_cost), sum(list_cost), sum(contracted_cost),
    count(*), max(effective_cost), min(effective_cost)
FROM costs_dailycharge
WHERE statement_id = ANY(%(statements)s) AND day BETWEEN %(first_day)s AND %(last_day)s
GROUP BY 1, 2, 3, list_cost IS NULL, contracted_cost IS NULL
ORDER BY 3, 2

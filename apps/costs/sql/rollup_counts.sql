-- How many charges a row of a rollup stands for, and the range of what each of a key's costs in a month: so that a list
-- of charges is counted, and its dearest are found, without reading it all.
ALTER TABLE costs_dailycost ADD COLUMN charge_count bigint NOT NULL DEFAULT 0;

ALTER TABLE costs_monthlygroupcost ADD COLUMN charge_count bigint NOT NULL DEFAULT 0;

ALTER TABLE costs_monthlycost
    ADD COLUMN charge_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN highest_cost numeric(38, 18) NOT NULL DEFAULT 0,  -- effective cost of the dearest charge
    ADD COLUMN lowest_cost numeric(38, 18) NOT NULL DEFAULT 0;

UPDATE costs_dailycost r SET charge_count = made.charge_count
FROM (
    SELECT
        f.statement_id, k.group_id, f.day, f.charge_period_end IS NOT NULL AS is_long, f.list_cost IS NULL AS unlisted,
        f.contracted_cost IS NULL AS uncontracted, count(*) AS charge_count
    FROM costs_dailycharge f
    JOIN costs_chargekey k ON k.id = f.key_id
    GROUP BY 1, 2, 3, 4, 5, 6
) made
WHERE r.statement_id = made.statement_id AND r.group_id = made.group_id AND r.day = made.day
  AND r.is_long = made.is_long AND (r.list_cost IS NULL) = made.unlisted
  AND (r.contracted_cost IS NULL) = made.uncontracted;

UPDATE costs_monthlygroupcost r SET charge_count = made.charge_count
FROM (
    SELECT
        statement_id, group_id, date_trunc('month', day)::date AS month, is_long, list_cost IS NULL AS unlisted,
        contracted_cost IS NULL AS uncontracted, sum(charge_count) AS charge_count
    FROM costs_dailycost
    GROUP BY 1, 2, 3, 4, 5, 6
) made
WHERE r.statement_id = made.statement_id AND r.group_id = made.group_id AND r.month = made.month
  AND r.is_long = made.is_long AND (r.list_cost IS NULL) = made.unlisted
  AND (r.contracted_cost IS NULL) = made.uncontracted;

UPDATE costs_monthlycost r
SET charge_count = made.charge_count, highest_cost = made.highest_cost, lowest_cost = made.lowest_cost
FROM (
    SELECT
        statement_id, key_id, date_trunc('month', day)::date AS month, list_cost IS NULL AS unlisted,
        contracted_cost IS NULL AS uncontracted, count(*) AS charge_count, max(effective_cost) AS highest_cost,
        min(effective_cost) AS lowest_cost
    FROM costs_dailycharge
    GROUP BY 1, 2, 3, 4, 5
) made
WHERE r.statement_id = made.statement_id AND r.key_id = made.key_id AND r.month = made.month
  AND (r.list_cost IS NULL) = made.unlisted AND (r.contracted_cost IS NULL) = made.uncontracted

-- Facts and rollups, partitioned by calendar month of `day`; partitions are made by the loader when a month first comes.

-- One row per charge key, day, unit prices and invoice of a statement. Readers never see half a statement.
CREATE TABLE costs_dailycharge (
    statement_id bigint NOT NULL,
    key_id bigint NOT NULL,
    day date NOT NULL,
    charge_period_start timestamptz,  -- set only where the charge reaches beyond `day` (a month's fee)
    charge_period_end timestamptz,
    invoice_id text,
    invoice_detail_id text,
    list_unit_price numeric(38, 18),
    contracted_unit_price numeric(38, 18),
    pricing_currency_list_unit_price numeric(38, 18),
    pricing_currency_contracted_unit_price numeric(38, 18),
    billed_cost numeric(38, 18) NOT NULL,
    effective_cost numeric(38, 18) NOT NULL,
    list_cost numeric(38, 18),
    contracted_cost numeric(38, 18),
    pricing_quantity numeric(38, 18),
    consumed_quantity numeric(38, 18),
    commitment_discount_quantity numeric(38, 18),
    pricing_currency_effective_cost numeric(38, 18),
    row_count bigint NOT NULL,  -- rows of the file behind this one
    first_row bigint NOT NULL   -- ordinal of the first of them in the delivery
) PARTITION BY RANGE (day);
CREATE INDEX costs_dailycharge_statement ON costs_dailycharge USING brin (statement_id);
CREATE INDEX costs_dailycharge_key ON costs_dailycharge (key_id, day);
CREATE INDEX costs_dailycharge_long ON costs_dailycharge (day) WHERE charge_period_end IS NOT NULL;

-- Rollup for everything that needs single days, by charge group.
CREATE TABLE costs_dailycost (
    statement_id bigint NOT NULL,
    group_id bigint NOT NULL,
    day date NOT NULL,
    is_long boolean NOT NULL,  -- the charge reaches beyond `day`
    billed_cost numeric(38, 18) NOT NULL,
    effective_cost numeric(38, 18) NOT NULL,
    list_cost numeric(38, 18),
    contracted_cost numeric(38, 18)
) PARTITION BY RANGE (day);
CREATE INDEX costs_dailycost_statement ON costs_dailycost (statement_id);

-- The same for whole calendar months: what most questions are answered from.
CREATE TABLE costs_monthlygroupcost (
    statement_id bigint NOT NULL,
    group_id bigint NOT NULL,
    month date NOT NULL,     -- first day
    is_long boolean NOT NULL,
    last_day date NOT NULL,  -- newest day with charges
    billed_cost numeric(38, 18) NOT NULL,
    effective_cost numeric(38, 18) NOT NULL,
    list_cost numeric(38, 18),
    contracted_cost numeric(38, 18)
);
CREATE INDEX costs_monthlygroupcost_statement ON costs_monthlygroupcost (statement_id);

-- Rollup for whole calendar months by charge key, for resources and tags.
CREATE TABLE costs_monthlycost (
    statement_id bigint NOT NULL,
    key_id bigint NOT NULL,
    month date NOT NULL,  -- first day
    billed_cost numeric(38, 18) NOT NULL,
    effective_cost numeric(38, 18) NOT NULL,
    list_cost numeric(38, 18),
    contracted_cost numeric(38, 18)
);
CREATE INDEX costs_monthlycost_statement ON costs_monthlycost (statement_id);
CREATE INDEX costs_monthlycost_key ON costs_monthlycost (key_id);

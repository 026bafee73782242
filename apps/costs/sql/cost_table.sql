-- Cost by slice and date, the totals of exactly these rows, and the exchange rates that are missing: one statement,
-- so that they cannot disagree. apps/costs/queries/table.py fills the slots.
WITH selected AS MATERIALIZED (
    {selected}
), slices AS (
    SELECT slice, {currency} AS currency, currency AS billing_currency, keys, dense_rank() OVER (ORDER BY {currency}, keys) AS set
    FROM (SELECT DISTINCT ON (slice) slice, currency, keys FROM selected) slice
), facts AS (
    {facts}
), priced AS (
    SELECT
        slices.set, slices.currency, facts.date, slices.billing_currency, facts.month,
        {factor} AS factor, facts.cost, facts.previous, facts.unpriced, facts.long
    FROM facts
    JOIN slices USING (slice)
    {rates}
), amounts AS (
    SELECT
        set, currency, date,
        coalesce(sum(cost * factor), 0) AS cost, coalesce(sum(previous * factor), 0) AS previous,
        coalesce(sum(unpriced * factor), 0) AS unpriced, coalesce(sum(long * factor), 0) AS long
    FROM priced
    GROUP BY set, currency, date
), ranked AS (
    SELECT set, row_number() OVER (PARTITION BY currency ORDER BY {order}, set) AS place
    FROM (
        SELECT set, currency, sum(cost) AS cost, sum(cost - previous) AS delta FROM amounts GROUP BY set, currency
    ) whole
), cut AS (
    SELECT
        currency, date, least(place, {limit} + 1) AS place, CASE WHEN place <= {limit} THEN set END AS set,
        sum(cost) AS cost, sum(previous) AS previous, sum(unpriced) AS unpriced, count(*) AS groups
    FROM amounts
    JOIN ranked USING (set)
    GROUP BY 1, 2, 3, 4
)
(
    SELECT
        'row' AS kind, cut.currency, keys, date, groups, trim_scale(cost) AS cost, trim_scale(previous) AS previous,
        trim_scale(cost - previous) AS delta, trim_scale(unpriced) AS unpriced, NULL::numeric AS long
    FROM cut
    LEFT JOIN (SELECT DISTINCT ON (set) set, keys FROM slices) named USING (set)
    ORDER BY {row_order}
    LIMIT {most_rows} + 1
)
UNION ALL (
    SELECT
        'total', currency, NULL, NULL, count(DISTINCT set), trim_scale(sum(cost)), trim_scale(sum(previous)),
        trim_scale(sum(cost) - sum(previous)), trim_scale(sum(unpriced)), trim_scale(sum(long))
    FROM amounts
    GROUP BY currency
    ORDER BY currency
)
UNION ALL
SELECT DISTINCT 'no rate', billing_currency, NULL::text[], month, NULL::bigint, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric
FROM priced
WHERE factor IS NULL

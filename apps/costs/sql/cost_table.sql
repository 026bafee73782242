-- Cost by slice and date, the totals of exactly these rows, and the exchange rates that are missing: one statement,
-- so that they cannot disagree. apps/costs/queries/table.py fills the slots.
--
-- A slice is one set of billing currency and keys; a set is the same in the currency of the answer. Sets are weighed
-- over the whole period first, from rollups, so that only those within the limit are then told apart by date.
WITH selected AS MATERIALIZED (
    {selected}
), slices AS (
    SELECT
        slice, {currency} AS currency, currency AS billing_currency, keys,
        dense_rank() OVER (ORDER BY {currency}, keys) AS set
    FROM (SELECT DISTINCT ON (slice) slice, currency, keys FROM selected) slice
), whole AS (
    {whole}
), weighed AS (
    SELECT slices.set, slices.currency, slices.billing_currency, facts.month, {factor} AS factor, facts.cost, facts.previous
    FROM whole facts
    JOIN slices USING (slice)
    {rates}
), ranked AS (
    SELECT set, row_number() OVER (PARTITION BY currency ORDER BY {order}, set) AS place
    FROM (
        SELECT
            set, currency, coalesce(sum(cost * factor), 0) AS cost,
            coalesce(sum(cost * factor), 0) - coalesce(sum(previous * factor), 0) AS delta
        FROM weighed
        GROUP BY set, currency
    ) weight
), placed AS (
    -- the slices beyond the limit that can be summed together, those of one billing currency, share one of their numbers
    SELECT
        slice, slices.currency, billing_currency, keys, place,
        CASE WHEN place <= {limit} THEN slice ELSE min(slice) OVER (PARTITION BY billing_currency, place <= {limit}) END AS cell
    FROM slices
    JOIN ranked USING (set)
), cells AS (
    SELECT selected.id, placed.cell AS slice FROM selected JOIN placed USING (slice)
), facts AS (
    {facts}
), amounts AS (
    SELECT
        slices.currency, least(slices.place, {limit} + 1) AS place, facts.date,
        coalesce(sum(facts.cost * {factor}), 0) AS cost, coalesce(sum(facts.previous * {factor}), 0) AS previous,
        coalesce(sum(facts.unpriced * {factor}), 0) AS unpriced, coalesce(sum(facts.long * {factor}), 0) AS long
    FROM facts
    JOIN placed slices USING (slice)
    {rates}
    GROUP BY 1, 2, 3
), groups AS (
    SELECT currency, max(place) AS many FROM placed GROUP BY currency
), named AS (
    SELECT DISTINCT currency, place, keys FROM placed WHERE place <= {limit}
)
(
    SELECT
        'row' AS kind, currency, keys, date, CASE WHEN place <= {limit} THEN 1 ELSE many - {limit} END AS groups,
        trim_scale(cost) AS cost, trim_scale(previous) AS previous, trim_scale(cost - previous) AS delta,
        trim_scale(unpriced) AS unpriced, NULL::numeric AS long
    FROM amounts
    JOIN groups USING (currency)
    LEFT JOIN named USING (currency, place)
    ORDER BY {row_order}
    LIMIT {most_rows} + 1
)
UNION ALL (
    SELECT
        'total', currency, NULL, NULL, many, trim_scale(sum(cost)), trim_scale(sum(previous)),
        trim_scale(sum(cost) - sum(previous)), trim_scale(sum(unpriced)), trim_scale(sum(long))
    FROM amounts
    JOIN groups USING (currency)
    GROUP BY currency, many
    ORDER BY currency
)
UNION ALL
SELECT DISTINCT
    'no rate', billing_currency, NULL::text[], month, NULL::bigint, NULL::numeric, NULL::numeric, NULL::numeric,
    NULL::numeric, NULL::numeric
FROM weighed
WHERE factor IS NULL

-- Cost as groups within groups, some of them by date, the totals of exactly these, and the exchange rates that are
-- missing: one statement, so that they cannot disagree. apps/costs/queries/answer.py fills the slots.
--
-- A slice is one set of billing currency and keys. A node is a group of one level in the currency of the answer: nodes
-- are numbered level by level in the order of their keys, level 0 is the currency itself. They are weighed over the
-- whole period first, so that only those within their level's cut are then told apart by date. Keys and currency travel
-- with the sums: looking them up afterwards would be a join of two results whose sizes the planner cannot know.
WITH selected AS MATERIALIZED (
    {selected}
), slices AS MATERIALIZED (
    SELECT slice, {currency} AS currency, currency AS billing_currency, keys, {nodes}
    FROM (SELECT DISTINCT ON (slice) slice, currency, keys FROM selected) slice
), {facts}, weighed AS MATERIALIZED (
    SELECT slices.*, facts.month, {factor} AS factor, facts.cost, facts.previous, facts.unpriced, facts.long
    FROM whole facts
    JOIN slices USING (slice)
    {rates}
), summed AS MATERIALIZED (
    SELECT
        {node_names}, min(currency) AS currency, min(keys) AS keys, coalesce(sum(cost * factor), 0) AS cost,
        coalesce(sum(previous * factor), 0) AS previous, coalesce(sum(unpriced * factor), 0) AS unpriced,
        coalesce(sum(long * factor), 0) AS long
    FROM weighed
    GROUP BY {node_names}
), {levels}, placed AS MATERIALIZED (
    -- the node that each slice's dates are told by; what is in no node of the period is in the rest
    {placed}
), cells AS (
    -- slices that can be summed together, those of one node and billing currency, share one of their numbers
    SELECT selected.id, cell.slice
    FROM selected
    JOIN (
        SELECT slice AS member, min(slice) OVER (PARTITION BY billing_currency, level, parent, place) AS slice FROM placed
    ) cell ON cell.member = selected.slice
), by_date AS (
    {by_date}
), on_today AS (
    {on_today}
)
(
    -- what is beyond the cut of its level is one node, the rest of its parent
    SELECT
        'node' AS kind, level, parent, least(place, cut + 1) AS place, CASE WHEN place <= cut THEN node END AS node,
        min(currency) AS currency, min(keys) AS keys, NULL::date AS date, count(*) AS groups,
        trim_scale(sum(cost)) AS cost, trim_scale(sum(previous)) AS previous,
        trim_scale(sum(cost) - sum(previous)) AS delta, trim_scale(sum(unpriced)) AS unpriced, NULL::numeric AS long
    FROM ({every_level}) ranked
    GROUP BY 2, 3, 4, 5
    ORDER BY 2, 3, 4
    LIMIT {most_rows} + 1
)
UNION ALL (
    SELECT
        'date', level, parent, place, NULL, NULL, NULL, facts.date, NULL,
        trim_scale(coalesce(sum(facts.cost * {factor}), 0)), trim_scale(coalesce(sum(facts.previous * {factor}), 0)),
        trim_scale(coalesce(sum(facts.cost * {factor}), 0) - coalesce(sum(facts.previous * {factor}), 0)),
        trim_scale(coalesce(sum(facts.unpriced * {factor}), 0)), NULL
    FROM by_date facts
    JOIN placed slices USING (slice)
    {rates}
    GROUP BY level, parent, place, facts.date
    ORDER BY {date_order}
    LIMIT {most_rows} + 1
)
UNION ALL (
    -- a cost that no rate can convert has no date: the period itself does not need that rate
    SELECT
        'so far', level, parent, place, CASE WHEN place <= {limit} THEN min(n1) END, min(slices.currency), min(keys),
        CASE WHEN bool_and({factor} IS NOT NULL) THEN facts.date END, count(DISTINCT n1),
        trim_scale(coalesce(sum(facts.cost * {factor}), 0)), NULL, NULL,
        trim_scale(coalesce(sum(facts.unpriced * {factor}), 0)), NULL
    FROM on_today facts
    JOIN placed slices USING (slice)
    {rates}
    GROUP BY level, parent, place, facts.date
    ORDER BY parent, place
)
UNION ALL (
    SELECT
        'total', 0, NULL, NULL, parent, min(currency), NULL, NULL, count(*), trim_scale(sum(cost)),
        trim_scale(sum(previous)), trim_scale(sum(cost) - sum(previous)), trim_scale(sum(unpriced)), trim_scale(sum(long))
    FROM level_1
    GROUP BY parent
    ORDER BY parent
)
UNION ALL
SELECT DISTINCT
    'no rate', 0, NULL::bigint, NULL::bigint, NULL::bigint, billing_currency, NULL::text[], month, NULL::bigint,
    NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric
FROM weighed
WHERE factor IS NULL

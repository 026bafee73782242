-- The charge keys and months that the first `many` charges by cost can be in. At least as many charges of whole months
-- reach the bound, so none that does not is among the first; a month of which only some days are asked for may hold one.
WITH selected AS MATERIALIZED (
    {selected}
), months AS MATERIALIZED (
    SELECT f.key_id, f.month, {best} AS best, f.month BETWEEN {first_whole} AND {last_whole} AS is_whole
    FROM costs_monthlycost f
    JOIN selected s ON s.id = f.key_id
    WHERE f.month BETWEEN {first} AND {last}
), bound AS (
    SELECT best FROM months WHERE is_whole ORDER BY best DESC LIMIT 1 OFFSET {many} - 1
)
SELECT DISTINCT key_id, month
FROM months
WHERE best >= coalesce((SELECT best FROM bound), '-Infinity')
LIMIT {most} + 1

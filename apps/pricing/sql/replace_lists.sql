-- Staged prices become what their lists hold now.
-- A row without a SKU names no price: it says that its list was read to the end, also where nothing is in it.
DROP TABLE IF EXISTS read_list, listed_price;

CREATE TEMPORARY TABLE read_list (list_id bigint, name text) ON COMMIT DROP;

WITH read AS (
    INSERT INTO pricing_pricelist (source, name, read_at, delivery_id)
    SELECT %(source)s, name, %(at)s, %(delivery_id)s
    FROM (SELECT DISTINCT coalesce(listing, '') AS name FROM staged_price) listing
    ORDER BY name
    ON CONFLICT (source, name) DO UPDATE SET read_at = excluded.read_at, delivery_id = excluded.delivery_id
    RETURNING id, name
)
INSERT INTO read_list SELECT id, name FROM read;

-- a date alone makes no other price: the earliest one stays
CREATE TEMPORARY TABLE listed_price ON COMMIT DROP AS
SELECT DISTINCT ON (list_id, digest) *
FROM (
    SELECT
        l.list_id,
        encode(substr(sha256(convert_to(ROW({fields})::text, 'UTF8')), 1, 16), 'hex')::uuid AS digest,
        {fields},
        valid_from
    FROM staged_price s
    JOIN read_list l ON l.name = coalesce(s.listing, '')
    WHERE s.sku_id <> ''
) priced
ORDER BY list_id, digest, valid_from;

ANALYZE listed_price;

UPDATE pricing_price p
SET seen_until = %(at)s
FROM read_list l
WHERE p.list_id = l.list_id
  AND %(is_whole)s
  AND p.seen_until IS NULL
  AND NOT EXISTS (SELECT FROM listed_price n WHERE n.list_id = p.list_id AND n.digest = p.digest);

INSERT INTO pricing_price (list_id, digest, {fields}, valid_from, seen_from)
SELECT list_id, digest, {fields}, valid_from, %(at)s
FROM listed_price
ON CONFLICT (list_id, digest) WHERE seen_until IS NULL DO NOTHING

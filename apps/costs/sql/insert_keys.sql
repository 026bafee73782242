-- Staged keys become charge keys; known ones are left alone. Their group follows in allocate.sql.
ALTER TABLE staged_key ADD COLUMN digest uuid;

UPDATE staged_key
SET digest = encode(substr(sha256(convert_to(ROW({columns})::text, 'UTF8')), 1, 16), 'hex')::uuid;

INSERT INTO costs_chargekey (digest, {columns})
SELECT digest, {columns} FROM staged_key
ON CONFLICT (digest) DO NOTHING

-- What is left of a source whose facts are gone: its statements, and what described their charges and nothing else.
DELETE FROM costs_restatement WHERE statement_id IN (SELECT id FROM costs_statement WHERE source = %(source)s);

DELETE FROM costs_statement WHERE source = %(source)s;

DELETE FROM costs_chargekey k
WHERE k.billing_account_id = ANY(%(accounts)s)
  AND NOT EXISTS (SELECT FROM costs_monthlycost m WHERE m.key_id = k.id);

DELETE FROM costs_chargegroup g
WHERE g.billing_account = ANY(%(accounts)s)
  AND NOT EXISTS (SELECT FROM costs_chargekey k WHERE k.group_id = g.id)

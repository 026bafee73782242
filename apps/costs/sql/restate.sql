-- What new statements changed of those that they replace. A day that was not over when the old one was loaded is no
-- restatement, and neither is a charge for longer than a day: a month's fee grows with the month.
CREATE TEMPORARY TABLE restated ON COMMIT DROP AS
WITH pair AS (
    SELECT
        n.id AS new_id, o.id AS old_id, least(o.last_day, o.loaded_at::date - 1) AS known_to,
        n.loaded_at::date AS loaded_on, n.loaded_at::date >= n.billing_period_end AS is_over
    FROM costs_statement n
    JOIN costs_statement o USING (source, billing_account_id, billing_period_start, billing_currency, bill_part)
    WHERE n.id = ANY(%(new)s) AND o.id = ANY(%(old)s)
)
SELECT
    p.new_id, p.known_to, p.loaded_on, p.is_over, d.day, d.is_long, g.service, g.sub_account,
    coalesce(sum(d.effective_cost) FILTER (WHERE NOT side.is_new), 0) AS before,
    coalesce(sum(d.effective_cost) FILTER (WHERE side.is_new), 0) AS after
FROM pair p
CROSS JOIN LATERAL (VALUES (p.old_id, false), (p.new_id, true)) AS side (statement_id, is_new)
JOIN costs_dailycost d
    ON d.statement_id = side.statement_id AND d.day BETWEEN %(first_day)s AND %(last_day)s
JOIN costs_chargegroup g ON g.id = d.group_id
GROUP BY p.new_id, p.known_to, p.loaded_on, p.is_over, d.day, d.is_long, g.service, g.sub_account;

UPDATE costs_statement n
SET restated_days = coalesce((
    SELECT max(r.loaded_on - r.day)
    FROM restated r
    WHERE r.new_id = n.id AND r.before <> r.after AND NOT r.is_long AND r.day <= r.known_to
), 0)
WHERE n.id IN (SELECT new_id FROM restated);

INSERT INTO costs_restatement (statement_id, service, sub_account, before, after)
SELECT new_id, service, sub_account, sum(before), sum(after)
FROM restated
WHERE is_over
GROUP BY new_id, service, sub_account
HAVING sum(before) <> sum(after);

DROP TABLE restated

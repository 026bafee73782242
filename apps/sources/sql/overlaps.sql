-- What two sources both have of an account by day and service: of each, the lesser amount may count twice. Where the bill
-- does not name the account (the provider's name stands for it), only amounts that agree to the last digit tell anything.
WITH cell AS MATERIALIZED (
    SELECT
        t.source, c.account, c.month, d.day, g.service, g.billing_currency AS currency,
        bool_and(c.account = g.provider) AS is_nameless, sum(d.effective_cost) AS cost
    FROM unnest(%(accounts)s::text[], %(months)s::date[]) AS c (account, month)
    JOIN costs_chargegroup g ON coalesce(nullif(g.sub_account, ''), g.billing_account) = c.account
    JOIN costs_dailycost d
        ON d.group_id = g.id AND d.day >= c.month AND d.day < c.month + interval '1 month'
        AND d.day BETWEEN %(first)s AND %(last)s
    JOIN costs_statement t ON t.id = d.statement_id AND t.superseded_at IS NULL AND t.source = ANY(%(sources)s)
    WHERE g.charge_category <> 'Credit'
    GROUP BY t.source, c.account, c.month, d.day, g.service, g.billing_currency
)
SELECT
    a.source, b.source, a.account, a.month, a.currency,
    sum(least(a.cost, b.cost)), count(DISTINCT a.day)
FROM cell a
JOIN cell b USING (account, month, day, service, currency)
WHERE a.source < b.source AND a.cost > 0 AND b.cost > 0 AND (a.cost = b.cost OR NOT a.is_nameless)
GROUP BY a.source, b.source, a.account, a.month, a.currency
ORDER BY 6 DESC, 1, 2, 3, 4, 5

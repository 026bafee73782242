-- Accounts, months and services of which two sources both have costs, from monthly rollups. An account is what FOCUS calls
-- a sub account, else the billing account. Credits are no costs, and a source of them alone takes from another's.
WITH cell AS MATERIALIZED (
    SELECT DISTINCT
        t.source, coalesce(nullif(g.sub_account, ''), g.billing_account) AS account, g.service, g.billing_currency, f.month
    FROM costs_monthlygroupcost f
    JOIN costs_statement t ON t.id = f.statement_id AND t.superseded_at IS NULL
    JOIN costs_chargegroup g ON g.id = f.group_id
    WHERE g.charge_category <> 'Credit' AND f.effective_cost > 0 AND f.month >= %(since)s
)
SELECT array_agg(DISTINCT source), account, month
FROM (
    SELECT source, account, month, count(*) OVER (PARTITION BY account, service, billing_currency, month) AS sources
    FROM cell
) AS counted
WHERE sources > 1
GROUP BY account, month

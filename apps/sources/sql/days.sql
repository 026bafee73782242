-- The days on which a source's current bills have charges: one look into an index for each day of each bill.
SELECT DISTINCT days.day::date
FROM costs_statement s
CROSS JOIN LATERAL generate_series(
    greatest(s.first_day, %(first)s::date), least(s.last_day, %(last)s::date), interval '1 day'
) AS days (day)
CROSS JOIN LATERAL (
    -- with a limit, so that it is looked up and never gathered from all days
    SELECT FROM costs_dailycost d WHERE d.statement_id = s.id AND d.day = days.day::date AND NOT d.is_long LIMIT 1
) AS has_costs
WHERE s.source = %(source)s AND s.superseded_at IS NULL
ORDER BY 1

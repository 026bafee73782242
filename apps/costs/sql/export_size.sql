-- How many rows an export has, and how many of them have a value in the facts' columns that the version has not.
WITH selected AS MATERIALIZED (
    {selected}
)
SELECT count(*){others}
FROM costs_dailycharge f
JOIN selected s ON s.id = f.key_id
WHERE f.day BETWEEN {first} AND {last}

-- Who is meant: teams by the values of a team tag (slug, name and further ones, lower case), and by sub account.
CREATE VIEW accounts_team_of_value AS
SELECT DISTINCT ON (value) value, slug
FROM accounts_team,
     LATERAL unnest(ARRAY[lower(slug), lower(name)] || (SELECT array_agg(lower(v)) FROM unnest(tag_values) v)) AS value
ORDER BY value, slug;

CREATE VIEW accounts_team_of_account AS
SELECT DISTINCT ON (account) account, slug
FROM accounts_team, LATERAL unnest(sub_account_ids) AS account
ORDER BY account, slug

-- Licences that pages and corpora declare, over the valid documents; `none declared` where neither does.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per licence
-- params: none
SELECT
    coalesce(documents.license, 'none declared') AS license,
    count(*) AS documents,
    cast(sum(documents.tokens) AS BIGINT) AS tokens
FROM valid_documents AS documents
GROUP BY coalesce(documents.license, 'none declared')
ORDER BY documents DESC, license ASC;

-- Personal data that was replaced, by kind.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per kind
-- params: none
SELECT
    redactions.kind,
    count(DISTINCT redactions.document_id) AS documents,
    cast(sum(redactions.count) AS BIGINT) AS replaced
FROM redactions
GROUP BY redactions.kind
ORDER BY replaced DESC, redactions.kind ASC;

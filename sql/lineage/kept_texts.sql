-- Which of these texts are in documents that stay: they are nobody's own, and prove nothing.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per text
-- params: $fragments, $ids
SELECT DISTINCT quoted.text
FROM (SELECT unnest($fragments) AS text) AS quoted
INNER JOIN documents ON contains(documents.text, quoted.text)
WHERE documents.document_id NOT IN (SELECT unnest($ids))
ORDER BY quoted.text;

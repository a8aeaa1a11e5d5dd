-- Rows whose words still hold one of these texts: none, when a page was forgotten.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per table
-- params: $fragments
SELECT
    words.kind,
    count(*) AS rows_left
FROM each_word AS words
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(words.text, quoted.text))
GROUP BY words.kind
ORDER BY words.kind;

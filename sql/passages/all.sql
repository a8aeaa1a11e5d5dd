-- All passages, whatever method wrote them and whether they are valid.
-- owner:  tasks/passages.py
-- grain:  one row per passage x method
-- params: none
SELECT passages.*
FROM passages
ORDER BY passages.passage_id, passages.fingerprint;

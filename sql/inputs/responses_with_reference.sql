-- Answers to instructions that were written for a seed which has an answer of its own.
-- owner:  tasks/scores.py
-- grain:  one row per response
-- params: none
CREATE OR REPLACE VIEW inputs_responses_with_reference AS
SELECT responses.*
FROM inputs_responses AS responses
WHERE responses.reference IS NOT NULL;

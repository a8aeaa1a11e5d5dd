-- Answers that are drawn to be paired.
-- owner:  tasks/scores.py
-- grain:  one row per response
-- params: none
CREATE OR REPLACE VIEW inputs_responses_for_pairs AS
SELECT responses.*
FROM inputs_responses AS responses
WHERE responses.use = 'draw';

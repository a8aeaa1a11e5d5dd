-- Instructions that a way of answering is done with: answered, or refused for a reason.
-- owner:  tasks/responses.py
-- grain:  one row per instruction x way of answering
-- params: none
CREATE OR REPLACE VIEW settled_responses AS
SELECT
    responses.instruction_id AS input_id,
    responses.fingerprint
FROM responses
UNION
SELECT
    rejections.input_id,
    rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'responses';

-- From which input, and by which method, answers were made: a part of the ledger of what is settled.
-- owner:  tasks/responses.py
-- grain:  one row per answer x input
-- params: none
SELECT
    unnest(list_distinct([responses.instruction_id, made.input_id])) AS input_id,
    responses.fingerprint,
    responses.response_id AS thing
FROM responses
LEFT JOIN lineage_inputs AS made ON responses.response_id = made.id AND responses.fingerprint = made.fingerprint;

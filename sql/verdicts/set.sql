-- How many answers later stages see, and a digest of them that does not depend on their order.
-- owner:  tasks/verdicts.py
-- grain:  one row
-- params: none
SELECT
    count(*) AS answers,
    coalesce(bit_xor(md5_number(concat(responses.response_id, ' ', responses.instruction_id, ' ', responses.text))), 0)::VARCHAR AS digest
FROM valid_responses AS responses
WHERE responses.use NOT IN ('rejected', 'probe');

-- Instructions all of whose draws have been judged, each with its draws.
-- owner:  tasks/preferences.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_pairs AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text AS instruction,
    instructions.history,
    list(
        struct_pack(response_id := responses.response_id, text := responses.text, reward := rewards.value)
        ORDER BY responses.response_id
    ) AS draws
FROM valid_responses AS responses
INNER JOIN valid_instructions AS instructions ON responses.instruction_id = instructions.instruction_id
LEFT JOIN valid_scores AS rewards
    ON
        responses.response_id = rewards.subject_id
        AND rewards.criterion = 'total'
        AND rewards.judge = (
            SELECT max(json_extract_string(pairing.settings, 'judge'))
            FROM methods AS pairing
            WHERE pairing.stage = 'preferences' AND pairing.active
        )
WHERE responses.use = 'draw'
GROUP BY instructions.instruction_id, instructions.text, instructions.history
-- A failed judge has a row, whose value is NULL; a draw that nobody has judged yet has none.
HAVING count(*) = count(rewards.subject_id);

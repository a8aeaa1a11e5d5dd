-- Instructions that are answered several times, so that their answers can be paired.
-- owner:  tasks/responses.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_answer_for_pairs AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    instructions.domain
FROM ways_responses AS instructions;

-- Instructions that are answered in the way `answer_with_rationale`.
-- owner:  tasks/responses.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_answer_with_rationale AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    instructions.domain
FROM ways_responses AS instructions
WHERE instructions.way = 'answer_with_rationale';

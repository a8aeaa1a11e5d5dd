-- Whose notes are whose: those on an answer or instruction itself, and of a recipe those on the input that it was made of.
-- owner:  tasks/spine/vectors/over_sets.py
-- grain:  one row per subject x thing noted, by any method (no fingerprint) or by its own alone
-- params: none
CREATE OR REPLACE VIEW lineage_noted AS
SELECT
    instructions.instruction_id AS id,
    instructions.instruction_id AS noted,
    NULL AS fingerprint
FROM valid_instructions AS instructions
UNION ALL
SELECT
    responses.response_id AS id,
    responses.response_id AS noted,
    NULL AS fingerprint
FROM valid_responses AS responses
UNION ALL
SELECT
    instructions.instruction_id AS id,
    instructions.input_id AS noted,
    instructions.fingerprint
FROM valid_instructions AS instructions;

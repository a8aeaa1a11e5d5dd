-- What instructions are deduced from: seeds, and instructions of the rounds before that nothing refused.
-- owner:  tasks/spine/writing/knn_pool.py
-- grain:  one row per seed or instruction
-- params: none
CREATE OR REPLACE VIEW inputs_pool AS
SELECT
    seeds.seed_id AS input_id,
    seeds.text,
    seeds.response,
    seeds.language,
    cast(NULL AS VARCHAR) AS fingerprint
FROM valid_seeds AS seeds
UNION ALL
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    cast(NULL AS VARCHAR) AS response,
    cast(NULL AS VARCHAR) AS language,
    instructions.fingerprint
FROM standing_instructions AS instructions;

-- Instructions, with the site of their page, and the answer of the seed that each was written for.
-- owner:  tasks/scores.py
-- grain:  one row per instruction
-- params: none
CREATE OR REPLACE VIEW inputs_instructions AS
SELECT
    instructions.instruction_id AS input_id,
    instructions.text,
    instructions.history,
    documents.domain,
    instructions.scene,
    instructions.document_id,
    seeds.response AS reference
FROM valid_instructions AS instructions
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN valid_seeds AS seeds ON instructions.input_id = seeds.seed_id;

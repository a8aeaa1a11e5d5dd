-- Sites that the valid documents come from, and how many instructions were written from each.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per domain
-- params: none
SELECT
    valid_documents.domain,
    count(DISTINCT valid_documents.document_id) AS documents,
    cast(sum(valid_documents.tokens) AS BIGINT) AS tokens,
    count(DISTINCT valid_instructions.instruction_id) AS instructions
FROM valid_documents
LEFT JOIN valid_instructions ON valid_documents.document_id = valid_instructions.document_id
GROUP BY valid_documents.domain
ORDER BY documents DESC, valid_documents.domain ASC
LIMIT 1000;

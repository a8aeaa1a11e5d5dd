-- What was made from texts that are superseded, by the input that would be due again: the seed, or the newest text.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per stage x input x method
-- params: $document_ids, $newest_ids (one for each of them)
WITH texts AS (
    SELECT
        unnest($document_ids) AS document_id,
        unnest($newest_ids) AS newest_id
)

SELECT
    'groundings' AS stage,
    groundings.seed_id AS input_id,
    groundings.fingerprint,
    min(texts.document_id) AS document_id
FROM groundings
LEFT JOIN texts ON groundings.document_id = texts.document_id
GROUP BY groundings.seed_id, groundings.fingerprint
HAVING count(*) = count(texts.document_id)
UNION ALL
SELECT
    'instructions' AS stage,
    texts.newest_id AS input_id,
    instructions.fingerprint,
    min(texts.document_id) AS document_id
FROM instructions
INNER JOIN texts ON instructions.input_id = texts.document_id
LEFT JOIN instructions AS newer ON texts.newest_id = newer.input_id AND instructions.fingerprint = newer.fingerprint
WHERE newer.input_id IS NULL
GROUP BY texts.newest_id, instructions.fingerprint
ORDER BY stage, input_id, fingerprint;

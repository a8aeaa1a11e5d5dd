-- How many rows of each method later stages see.
-- owner:  tasks/spine/estimating.py
-- grain:  one row per stage x method
-- params: none
SELECT
    'documents' AS stage,
    valid_documents.fingerprint,
    count(*) AS rows_valid
FROM valid_documents
GROUP BY valid_documents.fingerprint
UNION ALL
SELECT
    'passages' AS stage,
    valid_passages.fingerprint,
    count(*) AS rows_valid
FROM valid_passages
GROUP BY valid_passages.fingerprint
UNION ALL
SELECT
    'embeddings' AS stage,
    valid_embeddings.model AS fingerprint,
    count(*) AS rows_valid
FROM valid_embeddings
GROUP BY valid_embeddings.model
UNION ALL
SELECT
    'seeds' AS stage,
    valid_seeds.fingerprint,
    count(*) AS rows_valid
FROM valid_seeds
GROUP BY valid_seeds.fingerprint
UNION ALL
SELECT
    'groundings' AS stage,
    valid_groundings.fingerprint,
    count(*) AS rows_valid
FROM valid_groundings
GROUP BY valid_groundings.fingerprint
UNION ALL
SELECT
    'instructions' AS stage,
    valid_instructions.fingerprint,
    count(*) AS rows_valid
FROM valid_instructions
GROUP BY valid_instructions.fingerprint
UNION ALL
SELECT
    'responses' AS stage,
    valid_responses.fingerprint,
    count(*) AS rows_valid
FROM valid_responses
GROUP BY valid_responses.fingerprint
UNION ALL
SELECT
    'verdicts' AS stage,
    valid_verdicts.fingerprint,
    count(*) AS rows_valid
FROM valid_verdicts
GROUP BY valid_verdicts.fingerprint
UNION ALL
SELECT
    'scores' AS stage,
    valid_scores.fingerprint,
    count(*) AS rows_valid
FROM valid_scores
GROUP BY valid_scores.fingerprint
UNION ALL
SELECT
    'selections' AS stage,
    valid_selections.fingerprint,
    count(*) AS rows_valid
FROM valid_selections
GROUP BY valid_selections.fingerprint
UNION ALL
SELECT
    'preferences' AS stage,
    valid_preferences.fingerprint,
    count(*) AS rows_valid
FROM valid_preferences
GROUP BY valid_preferences.fingerprint
UNION ALL
SELECT
    'exports' AS stage,
    valid_exports.fingerprint,
    count(*) AS rows_valid
FROM valid_exports
GROUP BY valid_exports.fingerprint;

-- Rows whose words still hold one of these texts: none, when a page was forgotten.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per table
-- params: $fragments
SELECT
    words.kind,
    count(*) AS rows_left
FROM (
    SELECT
        'documents' AS kind,
        concat(documents.text, documents.title) AS text
    FROM documents
    UNION ALL
    SELECT
        'passages' AS kind,
        passages.text
    FROM passages
    UNION ALL
    SELECT
        'seeds' AS kind,
        concat(seeds.text, seeds.response) AS text
    FROM seeds
    UNION ALL
    SELECT
        'groundings' AS kind,
        concat(groundings.scene, groundings.knowledge, groundings.intention) AS text
    FROM groundings
    UNION ALL
    SELECT
        'instructions' AS kind,
        concat(instructions.text, instructions.scene, instructions.knowledge) AS text
    FROM instructions
    UNION ALL
    SELECT
        'responses' AS kind,
        concat(responses.text, responses.thought) AS text
    FROM responses
    UNION ALL
    SELECT
        'scores' AS kind,
        scores.reason AS text
    FROM scores
    UNION ALL
    SELECT
        'verdicts' AS kind,
        verdicts.detail AS text
    FROM verdicts
    UNION ALL
    SELECT
        'completions' AS kind,
        concat(completions.request, completions.text, completions.thought, completions.tool_calls) AS text
    FROM completions
    UNION ALL
    SELECT
        'rejections' AS kind,
        rejections.detail AS text
    FROM rejections
    UNION ALL
    SELECT
        'failures' AS kind,
        failures.error AS text
    FROM failures
    UNION ALL
    SELECT
        'validations' AS kind,
        validations.observed AS text
    FROM validations
    UNION ALL
    SELECT
        'runs' AS kind,
        runs.error AS text
    FROM runs
) AS words
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(words.text, quoted.text))
GROUP BY words.kind
ORDER BY words.kind;

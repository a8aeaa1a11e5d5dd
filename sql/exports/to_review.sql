-- Exported rows that no person has looked at, as a person reads them; which ones hangs on a number, not on their order.
-- owner:  flows/reviewing.py
-- grain:  one row per answer, or per instruction without one
-- params: $seed, $most, $recipe (NULL: all), $chars (of a page)
WITH lines AS (
    SELECT DISTINCT exports.row_id
    FROM exports
    INNER JOIN methods ON exports.fingerprint = methods.fingerprint AND methods.stage = 'exports' AND methods.active
    WHERE
        exports.row_id NOT IN (
            SELECT valid_scores.subject_id FROM valid_scores WHERE starts_with(valid_scores.judge, 'human:')
        )
),

said AS (
    SELECT
        valid_scores.subject_id,
        string_agg(
            concat(
                valid_scores.judge,
                '.',
                valid_scores.criterion,
                ' ',
                coalesce(cast(valid_scores.value AS VARCHAR), 'failed'),
                if(valid_scores.reason = '', '', concat(': ', left(valid_scores.reason, 500)))
            ),
            chr(10)
            ORDER BY valid_scores.judge, valid_scores.criterion
        ) AS words
    FROM valid_scores
    GROUP BY valid_scores.subject_id
)

SELECT
    lines.row_id AS id,
    instructions.recipe,
    instructions.text AS prompt,
    responses.thought,
    responses.text AS answer,
    responses.model,
    documents.url,
    left(documents.text, $chars) AS page,
    concat_ws(chr(10), of_instruction.words, of_answer.words) AS judges
FROM lines
LEFT JOIN valid_responses AS responses ON lines.row_id = responses.response_id
INNER JOIN valid_instructions AS instructions
    ON instructions.instruction_id = coalesce(responses.instruction_id, lines.row_id)
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN said AS of_instruction ON instructions.instruction_id = of_instruction.subject_id
LEFT JOIN said AS of_answer ON responses.response_id = of_answer.subject_id AND responses.response_id <> instructions.instruction_id
WHERE $recipe IS NULL OR instructions.recipe = $recipe
ORDER BY md5(concat(cast($seed AS VARCHAR), lines.row_id)), lines.row_id
LIMIT $most;

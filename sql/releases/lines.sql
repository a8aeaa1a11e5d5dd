-- The lines of the export in force, each with the instruction or rewrite that it is a line of, and who answered.
-- owner:  tasks/spine/releases/holdings.py
-- grain:  one row per line of an exported file
-- params: none
WITH answers AS (
    SELECT
        responses.response_id,
        min(responses.instruction_id) AS instruction_id,
        min(responses.fingerprint) AS answer_method,
        min(responses.model) AS model
    FROM responses
    GROUP BY responses.response_id
)

SELECT
    exports.path,
    exports.line,
    exports.row_id,
    coalesce(answers.instruction_id, exports.row_id) AS made_id,
    coalesce(answers.answer_method, '') AS answer_method,
    coalesce(answers.model, '') AS model
FROM valid_exports AS exports
LEFT JOIN answers ON exports.row_id = answers.response_id
ORDER BY exports.path, exports.line;

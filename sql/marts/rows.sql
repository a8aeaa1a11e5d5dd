-- Exported lines as people read them: question, answer, who wrote it, from which page. Row values: only where the profile allows.
-- owner:  tasks/site/browser.py
-- grain:  one row per exported line
-- params: $start, $stop (numbers of lines)
WITH shown AS (
    SELECT lines.*
    FROM browsed.lines AS lines
    WHERE lines.number >= $start AND lines.number < $stop
),

subjects AS (
    SELECT
        shown.number,
        unnest([shown.response_id, shown.instruction_id]) AS id
    FROM shown
),

judged AS (
    SELECT
        subjects.number,
        string_agg(DISTINCT lineage_judged.said, ' · ' ORDER BY lineage_judged.said) AS said
    FROM subjects
    INNER JOIN lineage_judged ON subjects.id = lineage_judged.id
    GROUP BY subjects.number
)

SELECT
    shown.number,
    shown.export_id,
    shown.path,
    shown.line,
    instructions.recipe,
    responses.model,
    coalesce(instructions.text, '') AS instruction,
    coalesce(responses.text, '') AS response,
    documents.url,
    documents.title,
    judged.said AS judged
FROM shown
LEFT JOIN responses ON shown.response_id = responses.response_id AND shown.response_method = responses.fingerprint
LEFT JOIN instructions ON shown.instruction_id = instructions.instruction_id AND shown.instruction_method = instructions.fingerprint
LEFT JOIN documents ON shown.document_id = documents.document_id AND shown.document_method = documents.fingerprint
LEFT JOIN judged ON shown.number = judged.number
ORDER BY shown.number;

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

said AS (
    SELECT
        valid_scores.subject_id AS id,
        'judge' AS who,
        concat(valid_scores.judge, '.', valid_scores.criterion) AS what,
        coalesce(cast(valid_scores.value AS VARCHAR), 'failed') AS found,
        left(valid_scores.reason, 2000) AS why
    FROM valid_scores
    UNION ALL
    SELECT
        valid_verdicts.subject_id AS id,
        'check' AS who,
        valid_verdicts.check_name AS what,
        CASE
            WHEN valid_verdicts.passed THEN 'passed'
            WHEN NOT valid_verdicts.passed THEN 'failed'
            WHEN starts_with(valid_verdicts.detail, 'does not apply: ') THEN 'does not apply'
            ELSE 'could not say'
        END AS found,
        left(regexp_replace(valid_verdicts.detail, '^does not apply: ', ''), 2000) AS why
    FROM valid_verdicts
    UNION ALL
    SELECT
        valid_selections.instruction_id AS id,
        'selection' AS who,
        valid_selections.policy AS what,
        concat('rank ', valid_selections.rank) AS found,
        '' AS why
    FROM valid_selections
    WHERE NOT starts_with(valid_selections.policy, 'random')
),

answers AS (
    SELECT
        json_extract_string(notes.data, '$.instruction_id') AS id,
        unnest(
            from_json(
                json_extract(notes.data, '$.answers'),
                '[{"kind": "VARCHAR", "text": "VARCHAR", "right": "BOOLEAN", "accepted": "BOOLEAN"}]'
            )
        ) AS answer
    FROM valid_notes AS notes
    WHERE notes.kind = 'certificate'
),

passed AS (
    SELECT
        answers.id,
        list([answers.answer['kind'], left(answers.answer['text'], 500)] ORDER BY answers.answer['kind'], answers.answer['text']) AS texts
    FROM answers
    WHERE answers.answer['accepted'] AND NOT answers.answer['right']
    GROUP BY answers.id
),

tasks AS (
    SELECT
        inputs_tasks.input_id AS id,
        json_object(
            'kind', json_extract_string(inputs_tasks.task, '$.kind'),
            'known', json_extract_string(inputs_tasks.task, '$.known'),
            'verifier', right(json_extract_string(inputs_tasks.task, '$.verifier'), 6000),
            'follows', json_extract_string(certificates.data, '$.follows'),
            'solved', json_extract(certificates.data, '$.solved'),
            'mutants', json_extract(certificates.data, '$.mutants'),
            'passed', coalesce(passed.texts, [])
        ) AS task
    FROM inputs_tasks
    LEFT JOIN valid_notes AS certificates
        ON
            inputs_tasks.input_id = json_extract_string(certificates.data, '$.instruction_id')
            AND certificates.kind = 'certificate'
    LEFT JOIN passed ON inputs_tasks.input_id = passed.id
),

traces AS (
    SELECT
        json_extract_string(notes.data, '$.response_id') AS id,
        json_extract(notes.data, '$.turns') AS turns
    FROM valid_notes AS notes
    WHERE notes.kind = 'trace'
),

judged AS (
    SELECT
        subjects.number,
        list(DISTINCT [said.who, said.what, said.found, said.why] ORDER BY [said.who, said.what, said.found, said.why]) AS said
    FROM subjects
    INNER JOIN said ON subjects.id = said.id
    GROUP BY subjects.number
)

SELECT
    shown.number,
    shown.export_id,
    shown.path,
    shown.line,
    shown.response_id,
    shown.instruction_id,
    instructions.recipe,
    responses.model,
    coalesce(instructions.text, '') AS instruction,
    coalesce(instructions.history, '') AS history,
    coalesce(responses.thought, '') AS thought,
    coalesce(responses.text, '') AS response,
    documents.url,
    documents.title,
    pages.page,
    coalesce(judged.said, []) AS judged,
    coalesce(cast(tasks.task AS VARCHAR), '') AS task,
    coalesce(cast(traces.turns AS VARCHAR), '') AS trace
FROM shown
LEFT JOIN responses ON shown.response_id = responses.response_id AND shown.response_method = responses.fingerprint
LEFT JOIN instructions ON shown.instruction_id = instructions.instruction_id AND shown.instruction_method = instructions.fingerprint
LEFT JOIN documents ON shown.document_id = documents.document_id AND shown.document_method = documents.fingerprint
LEFT JOIN browsed.pages AS pages ON shown.document_id = pages.document_id
LEFT JOIN judged ON shown.number = judged.number
LEFT JOIN tasks ON shown.instruction_id = tasks.id
LEFT JOIN traces ON shown.response_id = traces.id
ORDER BY shown.number;

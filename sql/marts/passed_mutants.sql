-- Wrong answers that verifiers of tasks let pass, certified or not: what a person reads to mend a verifier. Row values.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per wrong answer
-- params: none
WITH answers AS (
    SELECT
        json_extract_string(notes.data, '$.kind') AS kind,
        json_extract_string(notes.data, '$.instruction_id') AS instruction_id,
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
        answers.kind,
        answers.answer['kind'] AS mutant,
        answers.instruction_id,
        left(answers.answer['text'], 300) AS text
    FROM answers
    WHERE answers.answer['accepted'] AND NOT answers.answer['right']
    UNION ALL
    -- Where those by rule passed, no model was asked, and nothing but the verdict tells of them.
    SELECT
        json_extract_string(tasks.task, '$.kind') AS kind,
        'by rule' AS mutant,
        tasks.input_id AS instruction_id,
        left(verdicts.detail, 300) AS text
    FROM inputs_tasks AS tasks
    INNER JOIN valid_verdicts AS verdicts ON tasks.input_id = verdicts.subject_id AND verdicts.check_name = 'certified'
    WHERE
        starts_with(verdicts.detail, 'mutants_passed')
        AND tasks.input_id NOT IN (SELECT answers.instruction_id FROM answers)
)

SELECT
    passed.kind,
    passed.mutant,
    passed.instruction_id,
    json_extract_string(tasks.task, '$.known') AS known,
    passed.text
FROM passed
LEFT JOIN inputs_tasks AS tasks ON passed.instruction_id = tasks.input_id
ORDER BY passed.kind, passed.mutant, passed.instruction_id, passed.text
LIMIT 200;

-- What a policy took, in its order, each with the answer that is exported: the best judged of those that passed the checks.
-- owner:  tasks/exports.py
-- grain:  one row per selected instruction, with the licences of all pages that it came from
-- params: $policy, $judge, $answer_judge, $required, $owed, $weights, $places
WITH RECURSIVE owed AS (
    SELECT unnest($owed) AS check_name
),

failed AS (
    SELECT verdicts.subject_id
    FROM valid_verdicts AS verdicts
    WHERE
        list_contains($required, verdicts.check_name)
        AND NOT coalesce(verdicts.passed, starts_with(verdicts.detail, 'does not apply: '))
    UNION
    SELECT responses.response_id AS subject_id
    FROM valid_responses AS responses
    CROSS JOIN owed
    ANTI JOIN valid_verdicts AS verdicts
        ON responses.response_id = verdicts.subject_id AND owed.check_name = verdicts.check_name
),

answers AS (
    SELECT
        responses.instruction_id,
        responses.response_id,
        row_number() OVER (
            PARTITION BY responses.instruction_id
            ORDER BY rewards.value DESC NULLS LAST, responses.draw ASC, responses.response_id ASC
        ) AS place
    FROM valid_responses AS responses
    LEFT JOIN valid_scores AS rewards
        ON
            responses.response_id = rewards.subject_id
            AND rewards.judge = $answer_judge
            AND rewards.criterion = 'total'
    WHERE
        responses.use = 'answer'
        AND responses.response_id NOT IN (SELECT failed.subject_id FROM failed)
        AND responses.response_id NOT IN (SELECT excluded.id FROM lineage_excluded AS excluded)
),

origins AS (
    SELECT
        selections.instruction_id AS row_id,
        selections.instruction_id AS id
    FROM valid_selections AS selections
    WHERE selections.policy = $policy
    UNION
    SELECT
        origins.row_id,
        lineage_origins.parent_id AS id
    FROM origins
    INNER JOIN lineage_origins ON origins.id = lineage_origins.child_id
),

terms AS (
    SELECT
        origins.row_id,
        list_sort(list(DISTINCT coalesce(documents.license, sources.license, 'not stated'))) AS licenses
    FROM origins
    INNER JOIN valid_documents AS documents ON origins.id = documents.document_id
    INNER JOIN sources ON documents.source_id = sources.source_id
    GROUP BY origins.row_id
)

SELECT
    selections.rank,
    selections.topic,
    instructions.instruction_id,
    instructions.recipe,
    instructions.text,
    instructions.history,
    instructions.tools,
    coalesce(instructions.document_id, instructions.input_id) AS origin_id,
    documents.url,
    documents.domain,
    coalesce(terms.licenses, []) AS license,
    totals.value AS score,
    chosen.response_id,
    chosen.text AS response,
    chosen.model,
    answered.served,
    written.model AS instruction_model,
    written.served AS instruction_served,
    chosen.thought,
    instructions.weight * coalesce(weights.value, 1) AS weight,
    tasks.task,
    certificates.data AS certificate,
    traces.data AS trace
FROM valid_selections AS selections
INNER JOIN valid_instructions AS instructions ON selections.instruction_id = instructions.instruction_id
INNER JOIN answers ON selections.instruction_id = answers.instruction_id AND answers.place = 1
INNER JOIN valid_responses AS chosen ON answers.response_id = chosen.response_id
LEFT JOIN completions AS answered ON chosen.completion_id = answered.completion_id
LEFT JOIN lineage_writers AS written ON instructions.instruction_id = written.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN terms ON selections.instruction_id = terms.row_id
LEFT JOIN inputs_tasks AS tasks ON selections.instruction_id = tasks.input_id
LEFT JOIN valid_notes AS certificates
    ON tasks.input_id = json_extract_string(certificates.data, '$.instruction_id') AND certificates.kind = 'certificate'
LEFT JOIN valid_notes AS traces
    ON chosen.response_id = json_extract_string(traces.data, '$.response_id') AND traces.kind = 'trace'
LEFT JOIN valid_scores AS totals
    ON
        selections.instruction_id = totals.subject_id
        AND totals.judge = $judge
        AND totals.criterion = 'total'
LEFT JOIN valid_scores AS weights
    ON selections.instruction_id = weights.subject_id AND concat(weights.judge, '.', weights.criterion) = $weights
LEFT JOIN valid_scores AS places
    ON selections.instruction_id = places.subject_id AND concat(places.judge, '.', places.criterion) = $places
WHERE selections.policy = $policy
ORDER BY places.value NULLS LAST, selections.rank;

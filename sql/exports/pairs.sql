-- Pairs of answers to the instructions that a policy took, better first, in its order. The better one passed the checks; of a
-- pair by reward both did. A pair without a better one comes last: a policy takes no instruction that has no answer.
-- owner:  tasks/exports.py
-- grain:  one row per pair
-- params: $policy, $answer_judge, $required, $owed
WITH owed AS (
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
)

SELECT
    selections.rank,
    instructions.instruction_id,
    instructions.text,
    instructions.history,
    instructions.tools,
    coalesce(instructions.document_id, instructions.input_id) AS origin_id,
    documents.domain,
    pairs.chosen_id,
    chosen.text AS chosen,
    chosen_reward.value AS score_chosen,
    chosen.model AS chosen_model,
    taken.served AS chosen_served,
    chosen.thought AS chosen_thought,
    pairs.rejected_id,
    rejected.text AS rejected,
    rejected_reward.value AS score_rejected,
    rejected.model AS rejected_model,
    left_out.served AS rejected_served,
    rejected.thought AS rejected_thought,
    written.model AS instruction_model,
    written.served AS instruction_served,
    other.instruction_id AS rejected_instruction_id,
    other.text AS rejected_instruction,
    other.history AS rejected_history
FROM valid_preferences AS pairs
LEFT JOIN valid_selections AS selections
    ON pairs.instruction_id = selections.instruction_id AND selections.policy = $policy
INNER JOIN valid_instructions AS instructions ON pairs.instruction_id = instructions.instruction_id
LEFT JOIN valid_responses AS chosen ON pairs.chosen_id = chosen.response_id
LEFT JOIN valid_responses AS rejected ON pairs.rejected_id = rejected.response_id
LEFT JOIN valid_instructions AS other
    ON rejected.instruction_id = other.instruction_id AND pairs.instruction_id <> rejected.instruction_id
LEFT JOIN completions AS taken ON chosen.completion_id = taken.completion_id
LEFT JOIN completions AS left_out ON rejected.completion_id = left_out.completion_id
LEFT JOIN lineage_writers AS written ON instructions.instruction_id = written.instruction_id
LEFT JOIN valid_documents AS documents ON instructions.document_id = documents.document_id
LEFT JOIN valid_scores AS chosen_reward
    ON
        pairs.chosen_id = chosen_reward.subject_id
        AND chosen_reward.judge = $answer_judge
        AND chosen_reward.criterion = 'total'
LEFT JOIN valid_scores AS rejected_reward
    ON
        pairs.rejected_id = rejected_reward.subject_id
        AND rejected_reward.judge = $answer_judge
        AND rejected_reward.criterion = 'total'
WHERE
    coalesce(chosen.response_id, '') = pairs.chosen_id
    AND coalesce(rejected.response_id, '') = pairs.rejected_id
    AND (
        pairs.rejected_id = ''
        OR rejected.instruction_id = pairs.instruction_id
        OR other.instruction_id NOT IN (SELECT failed.subject_id FROM failed)
    )
    AND if(
        pairs.chosen_id = '',
        pairs.instruction_id NOT IN (SELECT failed.subject_id FROM failed),
        selections.instruction_id IS NOT NULL AND pairs.chosen_id NOT IN (SELECT failed.subject_id FROM failed)
    )
    AND (pairs.kind <> 'reward' OR pairs.rejected_id NOT IN (SELECT failed.subject_id FROM failed))
    AND pairs.instruction_id NOT IN (SELECT excluded.id FROM lineage_excluded AS excluded)
    AND pairs.chosen_id NOT IN (SELECT excluded.id FROM lineage_excluded AS excluded)
    AND pairs.rejected_id NOT IN (SELECT excluded.id FROM lineage_excluded AS excluded)
ORDER BY selections.rank NULLS LAST, pairs.instruction_id, pairs.chosen_id, pairs.rejected_id;

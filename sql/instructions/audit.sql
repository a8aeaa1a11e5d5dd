-- Counts over `instructions`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/instructions.py
-- grain:  one row
-- params: $run_id, $fingerprint (of the one method that is looked at, or NULL)
WITH written AS (
    SELECT instructions.*
    FROM unaudited_instructions AS instructions
    WHERE instructions.fingerprint = coalesce($fingerprint, instructions.fingerprint)
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'instructions' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'instructions' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'instructions' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'instructions' AND drifts.mix = 'lengths') AS length_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'instructions' AND drifts.mix = 'recipes') AS recipe_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.document_id NOT IN (SELECT documents.document_id FROM documents)
    ) AS orphan_documents,
    (
        SELECT count(*)
        FROM (
            SELECT unnest(written.parent_ids) AS parent_id
            FROM written
        ) AS parents
        WHERE
            parents.parent_id NOT IN (SELECT seeds.seed_id FROM seeds)
            AND parents.parent_id NOT IN (SELECT groundings.grounding_id FROM groundings)
            AND parents.parent_id NOT IN (SELECT others.instruction_id FROM instructions AS others)
            AND parents.parent_id NOT IN (SELECT documents.document_id FROM documents)
            AND parents.parent_id NOT IN (SELECT passages.passage_id FROM passages)
            AND parents.parent_id NOT IN (SELECT notes.note_id FROM notes)
            AND parents.parent_id NOT IN (SELECT rewrites.rewrite_id FROM rewrites)
    ) AS orphan_parents,
    (
        SELECT count(*)
        FROM written
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions,
    (
        SELECT count(*) - count(DISTINCT lower(trim(written.text)))
        FROM written
    ) AS repeated;

-- Counts over `groundings`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/groundings.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT groundings.*
    FROM unaudited_groundings AS groundings
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'groundings' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'groundings' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'groundings' AND drifts.mix = 'reasons') AS reason_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.seed_id NOT IN (SELECT seeds.seed_id FROM seeds)
    ) AS orphan_seeds,
    (
        SELECT count(*)
        FROM written
        WHERE written.document_id NOT IN (SELECT documents.document_id FROM documents)
    ) AS orphan_documents,
    (
        SELECT count(*)
        FROM written
        WHERE written.completion_id NOT IN (SELECT completions.completion_id FROM completions)
    ) AS orphan_completions,
    (
        SELECT CASE WHEN sum(shares.taken) >= 100 THEN max(shares.taken) / sum(shares.taken) ELSE 0 END
        FROM (
            SELECT count(*) AS taken
            FROM written
            GROUP BY written.document_id
        ) AS shares
    ) AS largest_document_share;

-- Counts over `groundings`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/groundings.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT groundings.*
    FROM groundings
    WHERE groundings.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'groundings')
),

in_force AS (
    SELECT written.*
    FROM written
    WHERE written.fingerprint NOT IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'groundings' AND NOT methods.active)
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (SELECT coalesce(max(counted.unaccounted), 0) FROM audited_receipts AS counted WHERE counted.stage = 'groundings') AS unaccounted,
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
            FROM in_force
            GROUP BY in_force.document_id
        ) AS shares
    ) AS largest_document_share;

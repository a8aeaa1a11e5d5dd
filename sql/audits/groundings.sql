-- What holds of `groundings` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/groundings.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT groundings.*
    FROM groundings
    WHERE groundings.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE receipts.run_id = $run_id AND receipts.stage = 'groundings'
    ) AS unaccounted,
    (
        SELECT
            CASE
                WHEN
                    sum(counts.rows_in) FILTER (WHERE counts.is_now) >= 100
                    AND sum(counts.rows_in) FILTER (WHERE NOT counts.is_now) >= 100
                    THEN
                        abs(
                            sum(counts.rows_rejected) FILTER (WHERE counts.is_now) / sum(counts.rows_in) FILTER (WHERE counts.is_now)
                            - sum(counts.rows_rejected) FILTER (WHERE NOT counts.is_now)
                            / sum(counts.rows_in) FILTER (WHERE NOT counts.is_now)
                        )
                ELSE 0
            END
        FROM (
            SELECT
                receipts.rows_in,
                receipts.rows_rejected,
                receipts.run_id = $run_id AS is_now
            FROM receipts
            WHERE receipts.stage = 'groundings'
        ) AS counts
    ) AS refusal_drift,
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

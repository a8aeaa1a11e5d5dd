-- What holds of `embeddings` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/embeddings.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT embeddings.*
    FROM embeddings
    WHERE embeddings.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE receipts.run_id = $run_id AND receipts.stage = 'embeddings'
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
            WHERE receipts.stage = 'embeddings'
        ) AS counts
    ) AS refusal_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            NOT coalesce(abs(list_inner_product(written.vector, written.vector) - 1) < 0.001, FALSE)
    ) AS not_unit,
    (
        SELECT coalesce(max(widths.different), 0)
        FROM (
            SELECT count(DISTINCT len(embeddings.vector)) AS different
            FROM embeddings
            GROUP BY embeddings.model
        ) AS widths
    ) AS widths;

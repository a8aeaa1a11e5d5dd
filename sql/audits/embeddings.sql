-- Counts over `embeddings`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/embeddings.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT embeddings.*
    FROM embeddings
    WHERE embeddings.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'embeddings')
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE
            receipts.stage = 'embeddings'
            AND receipts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'embeddings')
    ) AS unaccounted,
    (
        SELECT
            CASE
                WHEN
                    sum(counts.rows_in) FILTER (WHERE counts.is_new) >= 100
                    AND sum(counts.rows_in) FILTER (WHERE NOT counts.is_new) >= 100
                    THEN
                        abs(
                            sum(counts.rows_rejected) FILTER (WHERE counts.is_new) / sum(counts.rows_in) FILTER (WHERE counts.is_new)
                            - sum(counts.rows_rejected) FILTER (WHERE NOT counts.is_new)
                            / sum(counts.rows_in) FILTER (WHERE NOT counts.is_new)
                        )
                ELSE 0
            END
        FROM (
            SELECT
                receipts.rows_in,
                receipts.rows_rejected,
                receipts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'embeddings') AS is_new
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

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
    (SELECT coalesce(max(counted.unaccounted), 0) FROM audited_receipts AS counted WHERE counted.stage = 'embeddings') AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'embeddings') AS refusal_drift,
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

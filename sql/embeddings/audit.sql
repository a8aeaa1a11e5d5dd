-- Counts over `embeddings`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/embeddings.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT embeddings.*
    FROM unaudited_embeddings AS embeddings
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'embeddings' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'embeddings' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'embeddings' AND drifts.mix = 'reasons') AS reason_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            NOT coalesce(abs(list_inner_product(written.vector, written.vector) - 1) < 0.001, FALSE)
    ) AS not_unit,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.text_id NOT IN (SELECT passages.passage_id FROM passages)
            AND written.text_id NOT IN (SELECT seeds.seed_id FROM seeds)
            AND written.text_id NOT IN (SELECT instructions.instruction_id FROM instructions)
    ) AS orphans,
    (
        SELECT coalesce(max(widths.different), 0)
        FROM (
            SELECT count(DISTINCT len(embeddings.vector)) AS different
            FROM embeddings
            GROUP BY embeddings.model
        ) AS widths
    ) AS widths;

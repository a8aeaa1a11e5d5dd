-- What holds of `instructions` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/instructions.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT instructions.*
    FROM instructions
    WHERE instructions.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE receipts.run_id = $run_id AND receipts.stage = 'instructions'
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
            WHERE receipts.stage = 'instructions'
        ) AS counts
    ) AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.now_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.run_id = $run_id) / nullif(sum(count_if(every.run_id = $run_id)) OVER (), 0) AS now_share,
                count_if(every.run_id <> $run_id) / nullif(sum(count_if(every.run_id <> $run_id)) OVER (), 0) AS past_share,
                sum(count_if(every.run_id = $run_id)) OVER () AS now_rows,
                sum(count_if(every.run_id <> $run_id)) OVER () AS past_rows
            FROM instructions AS every
            GROUP BY cast(floor(log2(greatest(length(every.text), 1))) AS VARCHAR)
        ) AS mix
        WHERE mix.now_rows >= 100 AND mix.past_rows >= 100
    ) AS length_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.now_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.run_id = $run_id) / nullif(sum(count_if(every.run_id = $run_id)) OVER (), 0) AS now_share,
                count_if(every.run_id <> $run_id) / nullif(sum(count_if(every.run_id <> $run_id)) OVER (), 0) AS past_share,
                sum(count_if(every.run_id = $run_id)) OVER () AS now_rows,
                sum(count_if(every.run_id <> $run_id)) OVER () AS past_rows
            FROM instructions AS every
            GROUP BY every.recipe
        ) AS mix
        WHERE mix.now_rows >= 100 AND mix.past_rows >= 100
    ) AS recipe_drift,
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

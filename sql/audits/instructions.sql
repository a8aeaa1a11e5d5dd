-- Counts over `instructions`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/instructions.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT instructions.*
    FROM instructions
    WHERE instructions.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions')
),

marked AS (
    SELECT
        instructions.*,
        instructions.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'instructions') AS is_new
    FROM instructions
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (SELECT coalesce(max(counted.unaccounted), 0) FROM audited_receipts AS counted WHERE counted.stage = 'instructions') AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'instructions') AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY cast(floor(log2(greatest(length(every.text), 1))) AS VARCHAR)
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS length_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY every.recipe
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
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

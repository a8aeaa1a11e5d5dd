-- What holds of `verdicts` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/verdicts.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT verdicts.*
    FROM verdicts
    WHERE verdicts.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE receipts.run_id = $run_id AND receipts.stage = 'verdicts'
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
            WHERE receipts.stage = 'verdicts'
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
            FROM verdicts AS every
            GROUP BY concat(every.check_name, ' ', coalesce(cast(every.passed AS VARCHAR), 'unknown'))
        ) AS mix
        WHERE mix.now_rows >= 100 AND mix.past_rows >= 100
    ) AS verdict_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.subject_id NOT IN (SELECT responses.response_id FROM responses)
            AND written.subject_id NOT IN (SELECT instructions.instruction_id FROM instructions)
            AND written.subject_id NOT IN (SELECT seeds.seed_id FROM seeds)
            AND written.subject_id NOT IN (SELECT groundings.grounding_id FROM groundings)
    ) AS orphans,
    (
        SELECT coalesce(count_if(written.passed IS NULL) / nullif(count(*), 0), 0)
        FROM written
    ) AS unknown_share;

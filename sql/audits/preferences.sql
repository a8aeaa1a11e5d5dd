-- What holds of `preferences` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/preferences.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT preferences.*
    FROM preferences
    WHERE preferences.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE receipts.run_id = $run_id AND receipts.stage = 'preferences'
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
            WHERE receipts.stage = 'preferences'
        ) AS counts
    ) AS refusal_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            (
                written.chosen_id NOT IN (SELECT responses.response_id FROM responses)
                OR written.rejected_id NOT IN (SELECT responses.response_id FROM responses)
            )
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE written.chosen_id = written.rejected_id
    ) AS self_pairs,
    (
        SELECT coalesce(count_if(length(chosen.text) > length(rejected.text)) / nullif(count(*), 0), 0.5)
        FROM written
        INNER JOIN responses AS chosen ON written.chosen_id = chosen.response_id
        INNER JOIN responses AS rejected ON written.rejected_id = rejected.response_id
    ) AS longer_chosen_share;

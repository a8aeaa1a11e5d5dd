-- Counts over `exports`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/exports.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT exports.*
    FROM unaudited_exports AS exports
),

made AS (
    SELECT
        'responses' AS noun,
        responses.response_id AS row_id,
        responses.fingerprint,
        responses.run_id
    FROM responses
    UNION ALL
    SELECT
        'rewrites' AS noun,
        rewrites.rewrite_id AS row_id,
        rewrites.fingerprint,
        rewrites.run_id
    FROM rewrites
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(greatest(inputs.rows_in - inputs.written, 0)) AS BIGINT), 0)
        FROM (
            SELECT
                sum(receipts.rows_in) AS rows_in,
                (
                    SELECT count(DISTINCT concat(mine.path, ' ', mine.line))
                    FROM exports AS mine  -- also those that an earlier run wrote: the same rows have the same lines
                    WHERE
                        mine.fingerprint IN (
                            SELECT methods.fingerprint FROM methods WHERE methods.stage = 'exports' AND methods.active
                        )
                ) AS written
            FROM receipts
            WHERE
                receipts.stage = 'exports'
                AND receipts.run_id = $run_id
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'exports' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'exports' AND drifts.mix = 'reasons') AS reason_drift,
    (
        SELECT count(*)
        FROM written
        WHERE
            written.row_id NOT IN (SELECT responses.response_id FROM responses)
            AND written.row_id NOT IN (SELECT instructions.instruction_id FROM instructions)
            AND written.row_id NOT IN (SELECT seeds.seed_id FROM seeds)
            AND written.row_id NOT IN (SELECT rewrites.rewrite_id FROM rewrites)
            AND written.row_id NOT IN (SELECT preferences.chosen_id FROM preferences)
            AND written.row_id NOT IN (SELECT preferences.rejected_id FROM preferences)
    ) AS orphans,
    (
        SELECT count(DISTINCT written.export_id)
        FROM written
        INNER JOIN verdicts ON written.row_id = verdicts.subject_id
        WHERE verdicts.check_name LIKE '%contamina%' AND verdicts.passed IS FALSE
    ) AS contaminated,
    (
        SELECT count(*)
        FROM written
        INNER JOIN made ON written.row_id = made.row_id
        WHERE
            NOT EXISTS (
                SELECT 1
                FROM publications
                WHERE
                    publications.noun = made.noun
                    AND publications.fingerprint = made.fingerprint
                    AND publications.run_id = made.run_id
            )
    ) AS unpublished,
    (
        SELECT count(*)
        FROM (
            SELECT written.path
            FROM written
            GROUP BY written.path, written.sha256
            HAVING max(written.line) - min(written.line) + 1 <> count(DISTINCT written.line)
        ) AS torn
    ) AS torn_files,
    (
        SELECT count(*)
        FROM (
            SELECT written.path
            FROM written
            GROUP BY written.path
            HAVING count(DISTINCT written.sha256) > 1
        ) AS torn
    ) AS two_digests;

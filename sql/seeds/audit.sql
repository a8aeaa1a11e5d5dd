-- Counts over `seeds`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/seeds.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT seeds.*
    FROM unaudited_seeds AS seeds
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'seeds' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'seeds' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'seeds' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'seeds' AND drifts.mix = 'languages') AS language_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'seeds' AND drifts.mix = 'lengths') AS length_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.source_id NOT IN (SELECT sources.source_id FROM sources)
    ) AS orphans;

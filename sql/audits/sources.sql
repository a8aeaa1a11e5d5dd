-- Counts over the rows of `sources` that no audit has passed yet, that the suite judges.
-- owner:  expectations/sources.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT sources.*
    FROM unaudited_sources AS sources
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'sources' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'sources' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'sources' AND drifts.mix = 'reasons') AS reason_drift;

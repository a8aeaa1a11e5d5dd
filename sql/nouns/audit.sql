-- Counts over the rows of a noun that no audit has passed yet, that its suite judges, where it needs no others.
-- owner:  expectations/__init__.py
-- grain:  one row
-- params: $run_id
SELECT
    (SELECT count(*) FROM unaudited_nouns) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'nouns' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'nouns' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'nouns' AND drifts.mix = 'reasons') AS reason_drift;

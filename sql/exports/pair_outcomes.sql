-- What became of the pairs that were proposed: kept, or why not.
-- owner:  tasks/spine/vectors/dataset_measures.py
-- grain:  one row per outcome
-- params: none
SELECT
    'kept' AS outcome,
    count(*) AS pairs
FROM valid_preferences
WHERE valid_preferences.kind = 'reward'
UNION ALL
SELECT
    rejections.reason AS outcome,
    count(*) AS pairs
FROM rejections
WHERE
    rejections.stage = 'preferences'
    AND rejections.fingerprint IN (
        SELECT methods.fingerprint FROM methods WHERE methods.stage = 'preferences' AND methods.active
    )
GROUP BY rejections.reason
ORDER BY outcome;

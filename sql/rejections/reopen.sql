-- Take refusals of inputs back, each of one method, those of their draws, too: they are due again.
-- owner:  tasks/spine/operations/retrying.py
-- grain:  one row per refused input x stage x method
-- params: $stage, $input_ids, $fingerprints
WITH pairs AS (
    SELECT
        unnest($input_ids) AS input_id,
        unnest($fingerprints) AS fingerprint
)

DELETE FROM rejections
WHERE
    rejections.stage = $stage
    AND rejections.reason NOT IN ('forgotten', 'superseded')
    AND (
        concat(rejections.input_id, ' ', rejections.fingerprint) IN (
            SELECT concat(pairs.input_id, ' ', pairs.fingerprint) FROM pairs
        )
        OR concat(regexp_replace(rejections.input_id, '#[0-9]+$', ''), ' ', rejections.fingerprint) IN (
            SELECT concat(pairs.input_id, ' ', pairs.fingerprint) FROM pairs
        )
    );

-- Take out what is said of inputs, each of one method: they are settled anew.
-- owner:  tasks/spine/runner.py
-- grain:  one row per row of `steps`
-- params: $input_ids, $fingerprints
DELETE FROM steps
WHERE
    concat(steps.input_id, ' ', steps.fingerprint) IN (
        SELECT concat(pairs.input_id, ' ', pairs.fingerprint)
        FROM (
            SELECT
                unnest($input_ids) AS input_id,
                unnest($fingerprints) AS fingerprint
        ) AS pairs
    );

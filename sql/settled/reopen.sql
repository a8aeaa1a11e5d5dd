-- Take out what is said of inputs, each of one method: they are settled anew.
-- owner:  tasks/spine/runner.py
-- grain:  one row per row of `settled`
-- params: $input_ids, $fingerprints
DELETE FROM settled
WHERE
    concat(settled.input_id, ' ', settled.fingerprint) IN (
        SELECT concat(pairs.input_id, ' ', pairs.fingerprint)
        FROM (
            SELECT
                unnest($input_ids) AS input_id,
                unnest($fingerprints) AS fingerprint
        ) AS pairs
    );

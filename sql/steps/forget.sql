-- Take out what is said of these inputs, and of those from which these were made: they are due again.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of `steps`
-- params: $ids
DELETE FROM steps
WHERE
    steps.input_id IN (SELECT unnest($ids))
    OR (steps.input_id, steps.fingerprint) IN (
        SELECT
            made.input_id,
            made.fingerprint
        FROM each_ledger AS made
        WHERE made.thing IN (SELECT unnest($ids))
    );

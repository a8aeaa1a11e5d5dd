-- Take out what is said of these inputs, and of those from which these were made: they are due again.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of `settled`
-- params: $ids
DELETE FROM settled
WHERE
    settled.input_id IN (SELECT unnest($ids))
    OR (settled.input_id, settled.fingerprint) IN (
        SELECT
            made.input_id,
            made.fingerprint
        FROM each_ledger AS made
        WHERE made.thing IN (SELECT unnest($ids))
    );

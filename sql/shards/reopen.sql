-- Make shards due again in which rows were refused: of documents the files' ranges, and of them those of these files alone.
-- owner:  tasks/spine/operations/retrying.py
-- grain:  one row per finished shard x method
-- params: $stage, $reason, $run_id
DELETE FROM shards
WHERE
    EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = $stage
            AND rejections.reason = $reason
            AND starts_with(rejections.run_id, coalesce($run_id, ''))
            AND rejections.fingerprint = shards.fingerprint
            AND (
                shards.stage = rejections.stage
                OR (
                    shards.stage = concat(rejections.stage, '/parts')
                    AND starts_with(rejections.detail, concat(shards.path, ' at '))
                )
            )
    );

-- Pairs of documents that share one band, one of them new: candidates, to be compared exactly.
-- In a bucket of many each is paired with the first and with the twenty before it, so that a bucket of k costs k pairs.
-- What is superseded is compared, too: its text may be the newest of its page one day.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per pair
-- params: $fingerprint, $settled_runs, $band (from 1)
WITH placed AS (
    SELECT
        signatures.document_id,
        signatures.run_id NOT IN (SELECT unnest($settled_runs)) AS is_new,
        signatures.bands[$band] AS hash
    FROM signatures
    WHERE
        signatures.fingerprint = $fingerprint
        AND signatures.bands[$band] <> 0
        AND signatures.document_id NOT IN (
            SELECT rejections.input_id
            FROM rejections
            WHERE
                rejections.stage = 'documents'
                AND rejections.fingerprint = $fingerprint
                AND rejections.reason <> 'superseded'
        )
),

ranked AS (
    SELECT
        placed.document_id,
        placed.is_new,
        placed.hash,
        row_number() OVER (PARTITION BY placed.hash ORDER BY placed.document_id) AS place
    FROM placed
)

SELECT DISTINCT
    least(new_one.document_id, other.document_id) AS document_a,
    greatest(new_one.document_id, other.document_id) AS document_b
FROM ranked AS new_one
INNER JOIN ranked AS other ON new_one.hash = other.hash
WHERE
    new_one.is_new
    AND new_one.place <> other.place
    AND (least(new_one.place, other.place) = 1 OR abs(new_one.place - other.place) <= 20)
ORDER BY document_a, document_b;

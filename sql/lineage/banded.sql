-- Documents that share a band with one of these: candidates, to be compared exactly.
-- owner:  tasks/spine/provenance/reach.py
-- grain:  one row per pair x method
-- params: $ids
WITH placed AS (
    SELECT
        signatures.document_id,
        signatures.fingerprint,
        unnest(signatures.bands) AS hash,
        generate_subscripts(signatures.bands, 1) AS band
    FROM signatures
)

SELECT DISTINCT
    own.fingerprint,
    own.document_id AS document_a,
    other.document_id AS document_b
FROM placed AS own
INNER JOIN placed AS other ON own.fingerprint = other.fingerprint AND own.band = other.band AND own.hash = other.hash
WHERE
    own.hash <> 0
    AND own.document_id IN (SELECT unnest($ids))
    AND other.document_id NOT IN (SELECT unnest($ids))
ORDER BY own.fingerprint, document_a, document_b;

-- Whether a method has written a row already: one, or none.
-- owner:  tasks/spine/generation.py
-- grain:  one row, or none
-- params: $fingerprint
SELECT DISTINCT written.fingerprint
FROM (
    SELECT documents.fingerprint FROM documents
    UNION ALL
    SELECT passages.fingerprint FROM passages
    UNION ALL
    SELECT embeddings.model AS fingerprint FROM embeddings
    UNION ALL
    SELECT seeds.fingerprint FROM seeds
    UNION ALL
    SELECT groundings.fingerprint FROM groundings
    UNION ALL
    SELECT instructions.fingerprint FROM instructions
    UNION ALL
    SELECT responses.fingerprint FROM responses
    UNION ALL
    SELECT verdicts.fingerprint FROM verdicts
    UNION ALL
    SELECT scores.fingerprint FROM scores
) AS written
WHERE written.fingerprint = $fingerprint;

-- Whether a method has written a row already: one, or none.
-- owner:  tasks/spine/generation.py
-- grain:  one row, or none
-- params: $fingerprint
SELECT DISTINCT written.fingerprint
FROM (
    SELECT documents.fingerprint
    FROM documents
    WHERE documents.fingerprint = $fingerprint
    UNION ALL
    SELECT passages.fingerprint
    FROM passages
    WHERE passages.fingerprint = $fingerprint
    UNION ALL
    SELECT embeddings.model AS fingerprint
    FROM embeddings
    WHERE embeddings.model = $fingerprint
    UNION ALL
    SELECT seeds.fingerprint
    FROM seeds
    WHERE seeds.fingerprint = $fingerprint
    UNION ALL
    SELECT groundings.fingerprint
    FROM groundings
    WHERE groundings.fingerprint = $fingerprint
    UNION ALL
    SELECT instructions.fingerprint
    FROM instructions
    WHERE instructions.fingerprint = $fingerprint
    UNION ALL
    SELECT responses.fingerprint
    FROM responses
    WHERE responses.fingerprint = $fingerprint
    UNION ALL
    SELECT verdicts.fingerprint
    FROM verdicts
    WHERE verdicts.fingerprint = $fingerprint
    UNION ALL
    SELECT scores.fingerprint
    FROM scores
    WHERE scores.fingerprint = $fingerprint
) AS written;

-- What the mixes of `documents` are counted over: a part of `drifts`.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per document x mix
-- params: none
SELECT
    'documents' AS noun,
    'languages' AS mix,
    documents.run_id,
    documents.fingerprint,
    documents.language AS part,
    1 AS weight
FROM documents
UNION ALL
SELECT
    'documents' AS noun,
    'lengths' AS mix,
    documents.run_id,
    documents.fingerprint,
    cast(floor(log2(greatest(documents.tokens, 1))) AS VARCHAR) AS part,
    1 AS weight
FROM documents;

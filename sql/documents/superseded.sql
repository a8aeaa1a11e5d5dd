-- Documents whose page was fetched later with another text, each with the document of its newest one.
-- Rows of one file that have no date are no versions of each other: any of them is the newest, and all of them are.
-- owner:  tasks/spine/reading/superseding.py
-- grain:  one row per document
-- params: $fingerprint
WITH changed AS (
    SELECT documents.url
    FROM documents
    WHERE documents.fingerprint = $fingerprint
    GROUP BY documents.url
    HAVING count(*) > 1
),

texts AS (
    SELECT
        documents.document_id,
        documents.url,
        fetched.last_fetched_at AS fetched_at,
        fetched.last_place AS place,
        first_value(fetched.last_place) OVER newest_first AS newest_place,
        first_value(documents.document_id) OVER newest_first AS newest_id,
        first_value(fetched.last_fetched_at) OVER newest_first AS newest_at
    FROM documents
    INNER JOIN changed ON documents.url = changed.url
    INNER JOIN fetched_documents AS fetched
        ON documents.document_id = fetched.document_id AND documents.fingerprint = fetched.fingerprint
    WHERE documents.fingerprint = $fingerprint
    WINDOW newest_first AS (
        PARTITION BY documents.url
        ORDER BY fetched.last_place DESC, documents.text_digest ASC
    )
)

SELECT
    texts.document_id,
    texts.url,
    texts.fetched_at,
    texts.newest_id,
    texts.newest_at
FROM texts
WHERE
    texts.document_id <> texts.newest_id
    AND NOT (texts.newest_place.moment = 0 AND texts.place.moment = 0 AND texts.place.archive = texts.newest_place.archive)
ORDER BY texts.document_id;

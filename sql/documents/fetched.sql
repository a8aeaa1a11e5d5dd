-- When and where each document was fetched first and last: places compare by date, then by archive (their names, then
-- their addresses, then when they were first read), then by record. What has no date is neither the first nor the last
-- beside what has one.
-- owner:  tasks/documents.py
-- grain:  one row per document x method
-- params: none
CREATE OR REPLACE VIEW fetched_documents AS
WITH archives AS (
    SELECT
        sources.source_id,
        row_number() OVER (ORDER BY sources.name, sources.uri, runs.started_at, sources.source_id) AS place
    FROM sources
    LEFT JOIN runs ON sources.run_id = runs.run_id
),

fetches AS (
    SELECT
        documents.document_id,
        documents.fingerprint,
        documents.source_id,
        documents.record_offset,
        documents.fetched_at
    FROM documents
    UNION ALL
    SELECT
        repeats.document_id,
        repeats.fingerprint,
        repeats.source_id,
        repeats.record_offset,
        repeats.fetched_at
    FROM repeats
),

placed AS (
    SELECT
        fetches.document_id,
        fetches.fingerprint,
        fetches.fetched_at,
        fetches.record_offset,
        coalesce(archives.place, 0) AS archive,
        epoch_us(
            coalesce(
                try_cast(fetches.fetched_at AS TIMESTAMPTZ),
                try_cast(concat(fetches.fetched_at, '-01') AS TIMESTAMPTZ),  -- a month
                try_cast(concat(fetches.fetched_at, '-01-01') AS TIMESTAMPTZ)  -- a year
            )
        ) AS moment
    FROM fetches
    LEFT JOIN archives ON fetches.source_id = archives.source_id
)

SELECT
    placed.document_id,
    placed.fingerprint,
    min(
        struct_pack(moment := coalesce(placed.moment, 9e18::BIGINT), archive := placed.archive, record_offset := placed.record_offset)
    ) AS first_place,
    max(
        struct_pack(moment := coalesce(placed.moment, 0), archive := placed.archive, record_offset := placed.record_offset)
    ) AS last_place,
    max_by(placed.fetched_at, placed.moment) AS last_fetched_at
FROM placed
GROUP BY placed.document_id, placed.fingerprint;

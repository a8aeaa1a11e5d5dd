-- Counts over `documents`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/documents.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT documents.*
    FROM unaudited_documents AS documents
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(max(counted.unaccounted), 0)
        FROM audited_receipts AS counted
        WHERE counted.stage = 'documents' AND counted.run_id = $run_id
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'documents' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'documents' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'documents' AND drifts.mix = 'languages') AS language_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'documents' AND drifts.mix = 'lengths') AS length_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.source_id NOT IN (SELECT sources.source_id FROM sources)
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        WHERE written.duplicate_of NOT IN (SELECT documents.document_id FROM documents)
    ) AS lost_originals,
    (
        SELECT count(*)
        FROM duplicates
        WHERE
            duplicates.document_id NOT IN (SELECT documents.document_id FROM documents)
            OR duplicates.duplicate_of NOT IN (SELECT documents.document_id FROM documents)
            OR duplicates.document_id = duplicates.duplicate_of
    ) AS torn_duplicates,
    (
        SELECT count(*)
        FROM redactions
        WHERE redactions.document_id NOT IN (SELECT documents.document_id FROM documents)
    ) AS orphan_redactions,
    (
        SELECT count(*)
        FROM (
            SELECT kept.text_digest
            FROM documents AS kept
            WHERE kept.duplicate_of IS NULL
            GROUP BY kept.text_digest, kept.fingerprint
            HAVING count(*) > 1
        ) AS twice
    ) AS kept_twice,
    (
        SELECT count(*)
        FROM written
        INNER JOIN tombstones
            ON
                (tombstones.kind = 'url' AND written.url = tombstones.value)
                OR (tombstones.kind = 'domain' AND ends_with(concat('.', written.domain), concat('.', tombstones.value)))
                OR (tombstones.kind = 'source' AND written.source_id = tombstones.value)
                OR (tombstones.kind = 'text' AND written.text_digest = tombstones.value)
    ) AS forgotten,
    (
        SELECT coalesce(max(date_diff('day', try_cast(documents.fetched_at AS TIMESTAMP), cast(now() AS TIMESTAMP))), 0)
        FROM documents
        WHERE documents.fetched_at = (SELECT max(newest.fetched_at) FROM documents AS newest)
    ) AS newest_age_days;

-- Counts over `documents`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/documents.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT documents.*
    FROM documents
    WHERE documents.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'documents')
),

marked AS (
    SELECT
        documents.*,
        documents.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'documents') AS is_new
    FROM documents
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (SELECT coalesce(max(counted.unaccounted), 0) FROM audited_receipts AS counted WHERE counted.stage = 'documents') AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'documents') AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY every.language
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS language_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.new_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.is_new) / nullif(sum(count_if(every.is_new)) OVER (), 0) AS new_share,
                count_if(NOT every.is_new) / nullif(sum(count_if(NOT every.is_new)) OVER (), 0) AS past_share,
                sum(count_if(every.is_new)) OVER () AS new_rows,
                sum(count_if(NOT every.is_new)) OVER () AS past_rows
            FROM marked AS every
            GROUP BY cast(floor(log2(greatest(every.tokens, 1))) AS VARCHAR)
        ) AS mix
        WHERE mix.new_rows >= 100 AND mix.past_rows >= 100
    ) AS length_drift,
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

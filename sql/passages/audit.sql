-- Counts over `passages`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/passages.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT passages.*
    FROM unaudited_passages AS passages
),

-- Where texts are compared: to join all of them would be to hold all of them. Ids are hashes, so the first are a sample.
last_one AS MATERIALIZED (
    SELECT max(firsts.document_id) AS document_id
    FROM (SELECT DISTINCT written.document_id FROM written ORDER BY written.document_id LIMIT 2000) AS firsts
),

sampled AS MATERIALIZED (
    SELECT
        written.document_id,
        written.start_chars,
        written.end_chars,
        written.text
    FROM written
    WHERE written.document_id <= (SELECT last_one.document_id FROM last_one)
),

sampled_documents AS MATERIALIZED (
    SELECT
        documents.document_id,
        documents.text
    FROM documents
    WHERE
        documents.document_id <= (SELECT last_one.document_id FROM last_one)
        AND documents.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(inputs.rows_in - inputs.settled)) AS BIGINT), 0)
        FROM (
            SELECT
                sum(receipts.rows_in) AS rows_in,
                sum(receipts.rows_rejected) + (
                    SELECT count(DISTINCT concat(mine.document_id, ' ', mine.fingerprint))
                    FROM written AS mine
                    WHERE mine.run_id = receipts.run_id
                ) AS settled
            FROM receipts
            WHERE
                receipts.stage = 'passages'
                AND receipts.run_id = $run_id
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'passages' AND drifts.mix = 'refusals') AS refusal_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'passages' AND drifts.mix = 'reasons') AS reason_drift,
    (SELECT coalesce(max(drifts.moved), 0) FROM drifts WHERE drifts.noun = 'passages' AND drifts.mix = 'lengths') AS length_drift,
    (
        SELECT count(*)
        FROM written
        WHERE written.document_id NOT IN (SELECT documents.document_id FROM documents)
    ) AS orphans,
    (
        SELECT count(*)
        FROM sampled
        INNER JOIN sampled_documents AS pages ON sampled.document_id = pages.document_id
        WHERE substr(pages.text, sampled.start_chars + 1, sampled.end_chars - sampled.start_chars) <> sampled.text
    ) AS misplaced;

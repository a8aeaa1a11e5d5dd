-- Counts over `passages`, and over its rows that no audit has passed yet, that the suite judges.
-- owner:  expectations/passages.py
-- grain:  one row
-- params: none
WITH written AS (
    SELECT passages.*
    FROM passages
    WHERE passages.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'passages')
),

marked AS (
    SELECT
        passages.*,
        passages.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'passages') AS is_new
    FROM passages
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
                AND receipts.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'passages')
            GROUP BY receipts.run_id
        ) AS inputs
    ) AS unaccounted,
    (SELECT coalesce(max(counted.refusal_drift), 0) FROM audited_receipts AS counted WHERE counted.stage = 'passages') AS refusal_drift,
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
        WHERE written.document_id NOT IN (SELECT documents.document_id FROM documents)
    ) AS orphans,
    (
        SELECT count(*)
        FROM written
        INNER JOIN documents ON written.document_id = documents.document_id
        WHERE
            documents.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
            AND substr(documents.text, written.start_chars + 1, written.end_chars - written.start_chars) <> written.text
    ) AS misplaced;

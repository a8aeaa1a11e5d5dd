-- What holds of `passages` as a whole after a run: counts that the suite compares with what they must be.
-- owner:  expectations/passages.py
-- grain:  one row
-- params: $run_id
WITH written AS (
    SELECT passages.*
    FROM passages
    WHERE passages.run_id = $run_id
)

SELECT
    (SELECT count(*) FROM written) AS rows_written,
    (
        SELECT coalesce(cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT), 0)
        FROM receipts
        WHERE receipts.run_id = $run_id AND receipts.stage = 'passages'
    ) AS unaccounted,
    (
        SELECT
            CASE
                WHEN
                    sum(counts.rows_in) FILTER (WHERE counts.is_now) >= 100
                    AND sum(counts.rows_in) FILTER (WHERE NOT counts.is_now) >= 100
                    THEN
                        abs(
                            sum(counts.rows_rejected) FILTER (WHERE counts.is_now) / sum(counts.rows_in) FILTER (WHERE counts.is_now)
                            - sum(counts.rows_rejected) FILTER (WHERE NOT counts.is_now)
                            / sum(counts.rows_in) FILTER (WHERE NOT counts.is_now)
                        )
                ELSE 0
            END
        FROM (
            SELECT
                receipts.rows_in,
                receipts.rows_rejected,
                receipts.run_id = $run_id AS is_now
            FROM receipts
            WHERE receipts.stage = 'passages'
        ) AS counts
    ) AS refusal_drift,
    (
        SELECT coalesce(sum(abs(coalesce(mix.now_share, 0) - coalesce(mix.past_share, 0))) / 2, 0)
        FROM (
            SELECT
                count_if(every.run_id = $run_id) / nullif(sum(count_if(every.run_id = $run_id)) OVER (), 0) AS now_share,
                count_if(every.run_id <> $run_id) / nullif(sum(count_if(every.run_id <> $run_id)) OVER (), 0) AS past_share,
                sum(count_if(every.run_id = $run_id)) OVER () AS now_rows,
                sum(count_if(every.run_id <> $run_id)) OVER () AS past_rows
            FROM passages AS every
            GROUP BY cast(floor(log2(greatest(every.tokens, 1))) AS VARCHAR)
        ) AS mix
        WHERE mix.now_rows >= 100 AND mix.past_rows >= 100
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

-- The calls on record, with what they cost (NaN where a price is not known); how many pages and seeds there are, and were used.
-- owner:  tasks/spine/operations/wanting.py
-- grain:  one row
-- params: none
SELECT
    (SELECT count(*) FROM completions) AS calls,
    (SELECT coalesce(sum(completions.cost_usd), 0) FROM completions) AS cost_usd,
    (
        SELECT count(DISTINCT documents.document_id)
        FROM documents
        WHERE
            documents.fingerprint IN (
                SELECT methods.fingerprint
                FROM methods
                WHERE methods.stage = 'documents' AND methods.active
            )
    ) AS pages,
    (SELECT count(DISTINCT seeds.seed_id) FROM valid_seeds AS seeds) AS seeds,
    (
        SELECT
            greatest(
                count(DISTINCT used.input_id) FILTER (WHERE used.input_id IN (SELECT seeds.seed_id FROM seeds)),
                count(DISTINCT used.input_id) FILTER (WHERE used.input_id IN (SELECT documents.document_id FROM documents))
            )
        FROM settled AS used
        WHERE used.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.active)
    ) AS used;

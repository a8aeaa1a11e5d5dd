-- What may need a person, counted: marks that judges could not give, cut answers, unknown prices, rows without a licence.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row
-- params: none
SELECT
    (SELECT count(*) FROM valid_scores WHERE valid_scores.value IS NULL) AS judge_failed,
    (SELECT count(*) FROM valid_scores) AS marks,
    (SELECT count(*) FROM valid_responses WHERE valid_responses.finish_reason = 'length') AS cut_answers,
    (SELECT count(*) FROM completions WHERE isnan(completions.cost_usd)) AS unknown_price,
    (SELECT count(*) FROM valid_documents WHERE valid_documents.license IS NULL) AS without_licence,
    (SELECT count(*) FROM valid_documents) AS documents,
    (
        SELECT count(DISTINCT valid_scores.subject_id)
        FROM valid_scores
        WHERE starts_with(valid_scores.judge, 'human:')
    ) AS looked_at,
    (
        SELECT count(*)
        FROM exports
        INNER JOIN methods ON exports.fingerprint = methods.fingerprint AND methods.stage = 'exports' AND methods.active
        WHERE exports.row_id IN (SELECT excluded.id FROM lineage_excluded AS excluded)
    ) AS left_out_but_exported;

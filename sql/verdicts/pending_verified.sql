-- Answers to instructions with believed verifiers that have not been put to them.
-- owner:  tasks/verdicts.py
-- grain:  one row per response
-- params: $fingerprint, $verifiers
SELECT
    responses.response_id AS input_id,
    responses.text AS response,
    from_json(verdicts.detail -> 'functions', '["VARCHAR"]') AS functions
FROM verdicts
INNER JOIN valid_responses AS responses ON verdicts.subject_id = responses.instruction_id
WHERE
    verdicts.fingerprint = $verifiers
    AND verdicts.passed
    AND responses.use <> 'rejected'
    AND responses.response_id NOT IN (
        SELECT done.subject_id
        FROM verdicts AS done
        WHERE done.fingerprint = $fingerprint
    )
ORDER BY responses.response_id;

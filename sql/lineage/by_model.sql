-- Calls that a model answered, and answers of that model.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per call or answer
-- params: $value
SELECT DISTINCT answered.id
FROM (
    SELECT completions.completion_id AS id
    FROM completions
    WHERE completions.model = $value
    UNION ALL
    SELECT responses.response_id AS id
    FROM responses
    WHERE responses.model = $value
) AS answered
ORDER BY answered.id;

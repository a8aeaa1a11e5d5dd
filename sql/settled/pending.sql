-- Inputs that a program is not done with, of those that a view shows it; what was forgotten or overtaken is not asked again.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input
-- params: $view, $stage, $fingerprint, $most, $among
WITH wanted AS (
    SELECT inputs.input_id
    FROM query_table($view) AS inputs
    WHERE $among IS NULL OR inputs.input_id IN (SELECT unnest($among))
    ORDER BY inputs.input_id  -- so that a smoke run takes the same rows every time
    LIMIT $most
)

SELECT wanted.input_id
FROM wanted
WHERE
    wanted.input_id NOT IN (
        SELECT settled.input_id
        FROM standing_settled AS settled
        WHERE settled.fingerprint = $fingerprint
    )
    AND wanted.input_id NOT IN (
        SELECT rejections.input_id
        FROM rejections
        WHERE
            rejections.stage = $stage
            AND rejections.fingerprint = $fingerprint
            AND rejections.reason IN ('forgotten', 'superseded')
    )
ORDER BY wanted.input_id;

-- Rows that no audit has passed yet.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per model call
-- params: none
CREATE OR REPLACE VIEW unaudited_completions AS
SELECT completions.*
FROM completions
WHERE
    NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'completions'
            AND publications.run_id = completions.run_id
    );

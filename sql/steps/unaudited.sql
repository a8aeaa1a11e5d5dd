-- Rows that no audit has passed yet.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of `steps`
-- params: none
CREATE OR REPLACE VIEW unaudited_steps AS
SELECT steps.*
FROM steps
WHERE
    NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'steps'
            AND publications.run_id = steps.run_id
    );

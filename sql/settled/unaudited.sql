-- Rows that no audit has passed yet.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of `settled`
-- params: none
CREATE OR REPLACE VIEW unaudited_settled AS
SELECT settled.*
FROM settled
WHERE
    NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'settled'
            AND publications.run_id = settled.run_id
    );

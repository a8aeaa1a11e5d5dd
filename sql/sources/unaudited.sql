-- Rows that no audit has passed yet.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per corpus file or URI, by its bytes
-- params: none
CREATE OR REPLACE VIEW unaudited_sources AS
SELECT sources.*
FROM sources
WHERE
    NOT EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'sources'
            AND publications.run_id = sources.run_id
    );

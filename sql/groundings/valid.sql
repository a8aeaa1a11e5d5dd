-- Groundings of the methods in force whose run passed its audit, of seeds and pages in force: what later stages read.
-- owner:  tasks/groundings.py
-- grain:  one row per seed x document x method
-- params: none
CREATE OR REPLACE VIEW valid_groundings AS
SELECT groundings.*
FROM groundings
WHERE
    groundings.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'groundings' AND methods.active)
    AND EXISTS (
        SELECT 1
        FROM publications
        WHERE
            publications.noun = 'groundings'
            AND publications.fingerprint = groundings.fingerprint
            AND publications.run_id = groundings.run_id
    )
    AND groundings.seed_id IN (SELECT seeds.seed_id FROM valid_seeds AS seeds)
    AND groundings.document_id IN (SELECT documents.document_id FROM valid_documents AS documents);

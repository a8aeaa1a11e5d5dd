-- Seeds that a version of the attribution is done with: it has a grounding for them in a page that is in force, or has refused them.
-- owner:  tasks/groundings.py
-- grain:  one row per seed x method
-- params: none
CREATE OR REPLACE VIEW settled_groundings AS
SELECT
    groundings.seed_id AS input_id,
    groundings.fingerprint
FROM groundings
WHERE groundings.document_id IN (SELECT documents.document_id FROM valid_documents AS documents)
UNION ALL
SELECT
    rejections.input_id,
    rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'groundings';

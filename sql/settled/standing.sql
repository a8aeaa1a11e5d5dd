-- Inputs that a program is done with, by what stands: a seed whose page was overtaken or forgotten is traced again.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input x method
-- params: none
CREATE OR REPLACE VIEW standing_settled AS
SELECT settled.*
FROM settled
WHERE
    settled.stage <> 'groundings'
    OR settled.made = 0
    OR (settled.input_id, settled.fingerprint) IN (
        SELECT
            groundings.seed_id,
            groundings.fingerprint
        FROM groundings
        WHERE groundings.document_id IN (SELECT documents.document_id FROM valid_documents AS documents)
    );

-- Subjects that a judge is done with: marked, failed (NULL), or refused because reading its answer raised.
-- owner:  tasks/scores.py
-- grain:  one row per subject x judge
-- params: none
CREATE OR REPLACE VIEW settled_scores AS
SELECT
    scores.subject_id AS input_id,
    scores.fingerprint
FROM scores
UNION
SELECT
    rejections.input_id,
    rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'scores' AND rejections.reason = 'method_error';

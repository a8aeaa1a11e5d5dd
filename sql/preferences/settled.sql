-- Instructions whose pair is settled: made, or refused for a reason.
-- owner:  tasks/preferences.py
-- grain:  one row per instruction x method
-- params: none
CREATE OR REPLACE VIEW settled_preferences AS
SELECT
    preferences.instruction_id AS input_id,
    preferences.fingerprint
FROM preferences
UNION
SELECT
    rejections.input_id,
    rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'preferences';

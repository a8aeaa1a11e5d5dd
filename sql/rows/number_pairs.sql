-- Number the pairs of answers in force, those of a kind together.
-- owner:  tasks/site/pairs.py
-- grain:  one row per pair
-- params: none
CREATE OR REPLACE TABLE browsed.pairs AS
SELECT
    row_number() OVER (
        ORDER BY valid_preferences.kind, valid_preferences.instruction_id, valid_preferences.chosen_id, valid_preferences.rejected_id
    ) - 1 AS number,
    valid_preferences.instruction_id,
    valid_preferences.kind,
    valid_preferences.margin,
    valid_preferences.chosen_id,
    valid_preferences.rejected_id
FROM valid_preferences;

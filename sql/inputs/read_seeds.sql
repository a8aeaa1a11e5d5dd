-- Seeds that were read and kept, published or not, by the reading that is in force: what is judged before it is a seed.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction
-- params: none
CREATE OR REPLACE VIEW inputs_read_seeds AS
SELECT
    seeds.seed_id AS input_id,
    seeds.text
FROM standing_seeds AS seeds
INNER JOIN methods
    ON seeds.fingerprint = json_extract_string(methods.settings, 'read') AND methods.stage = 'seeds' AND methods.active;

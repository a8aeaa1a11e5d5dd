-- Seeds, as they are traced to a page and given to programs.
-- owner:  tasks/groundings.py
-- grain:  one row per seed
-- params: none
CREATE OR REPLACE VIEW inputs_seeds AS
SELECT
    seeds.seed_id AS input_id,
    seeds.text,
    seeds.language,
    seeds.response,
    seeds.system,
    seeds.turns,
    seeds.tools
FROM valid_seeds AS seeds;

-- The groundings that later stages read, in the order of their ids.
-- owner:  tasks/groundings.py
-- grain:  one row per seed x document x method
-- params: none
SELECT groundings.*
FROM valid_groundings AS groundings
ORDER BY groundings.grounding_id;

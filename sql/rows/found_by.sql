-- What exported lines are found by, in the order of the lines.
-- owner:  tasks/site/facets.py
-- grain:  one row per exported line
-- params: none
SELECT facets.* EXCLUDE (number)
FROM browsed.facets AS facets
ORDER BY facets.number;

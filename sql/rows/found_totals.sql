-- How many exported lines there are of each value of what they are found by; the commonest value of each comes first.
-- owner:  tasks/site/facets.py
-- grain:  one row per facet x value
-- params: none
SELECT
    said.facet,
    said.value,
    count(*) AS lines
FROM (UNPIVOT browsed.facets ON COLUMNS(* EXCLUDE (number)) INTO NAME facet VALUE value) AS said  -- noqa: PRS
GROUP BY said.facet, said.value
ORDER BY said.facet ASC, lines DESC, said.value ASC;

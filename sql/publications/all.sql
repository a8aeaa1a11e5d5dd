-- Every publication: which run's rows of which table have passed their audit.
-- owner:  tasks/spine/validation.py
-- grain:  one row per table x run
-- params: none
SELECT publications.*
FROM publications
ORDER BY publications.noun, publications.run_id;

-- Every publication: which rows of which table have passed their audit, by method and run.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per table x method x run
-- params: none
SELECT publications.*
FROM publications
ORDER BY publications.noun, publications.fingerprint, publications.run_id;

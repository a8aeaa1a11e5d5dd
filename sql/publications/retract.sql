-- Take back the publication of what this run wrote to one table: it has written again, so it is audited again.
-- owner:  tasks/spine/running/runs.py
-- grain:  one row per table x method x run
-- params: $noun, $run_id
DELETE FROM publications
WHERE publications.noun = $noun AND publications.run_id = $run_id;

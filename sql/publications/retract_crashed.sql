-- Take back the publications of runs that were killed: they may have written after their last audit.
-- owner:  tasks/spine/runs.py
-- grain:  one row per table x run
-- params: none
DELETE FROM publications
WHERE publications.run_id IN (SELECT runs.run_id FROM runs WHERE runs.status = 'running');

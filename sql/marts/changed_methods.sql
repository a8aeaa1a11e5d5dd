-- When each method in force was first put in force: a new prompt or setting explains a change of the numbers.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per stage x method
-- params: none
SELECT
    methods.stage,
    methods.name,
    methods.fingerprint,
    methods.run_id,
    runs.started_at
FROM methods
LEFT JOIN runs ON methods.run_id = runs.run_id
WHERE methods.active
ORDER BY methods.stage, methods.name, methods.fingerprint;

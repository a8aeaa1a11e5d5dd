-- Rows that no audit has passed yet: what `seeds` is audited on before it is published.
-- owner:  tasks/spine/validation.py
-- grain:  one row per row of `seeds`
-- params: none
SELECT seeds.*
FROM seeds
WHERE seeds.run_id NOT IN (SELECT publications.run_id FROM publications WHERE publications.noun = 'seeds')
ORDER BY seeds.seed_id, seeds.fingerprint;

-- Take words out that quote what was forgotten.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `runs`
-- params: $fragments
UPDATE runs
SET error = 'forgotten'
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(runs.error, quoted.text));

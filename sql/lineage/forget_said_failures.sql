-- Take words out that quote what was forgotten.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `failures`
-- params: $fragments
UPDATE failures
SET error = 'forgotten'
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(failures.error, quoted.text));

-- Take words out that quote what was forgotten.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `validations`
-- params: $fragments
UPDATE validations
SET observed = 'forgotten'
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(validations.observed, quoted.text));

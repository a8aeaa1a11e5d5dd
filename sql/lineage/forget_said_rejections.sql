-- Take words out that quote what was forgotten.
-- owner:  tasks/spine/forgetting.py
-- grain:  one row per row of `rejections`
-- params: $fragments
UPDATE rejections
SET detail = 'forgotten'
WHERE EXISTS (SELECT quoted.text FROM (SELECT unnest($fragments) AS text) AS quoted WHERE contains(rejections.detail, quoted.text));

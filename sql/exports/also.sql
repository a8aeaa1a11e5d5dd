-- The forms that were added to a dataset: beside those of its profile.
-- owner:  tasks/exports.py
-- grain:  one row per form
-- params: $dataset
SELECT DISTINCT unnest(from_json(methods.settings -> '$.also', '["VARCHAR"]')) AS form
FROM methods
WHERE methods.stage = 'exports' AND methods.active AND methods.name = $dataset
ORDER BY form;

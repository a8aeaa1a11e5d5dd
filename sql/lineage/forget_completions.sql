-- Take completions of these ids out.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of `completions`
-- params: $ids
DELETE FROM completions
WHERE completions.completion_id IN (SELECT unnest($ids));

-- Refuse what must not be made again: rows that were only shown what was forgotten, in a database that is made anew.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per refused input x stage x method
-- params: none
INSERT INTO rejections
SELECT
    tombstones.kind AS stage,
    split_part(tombstones.value, ' ', 1) AS input_id,
    split_part(tombstones.value, ' ', 2) AS fingerprint,
    'forgotten' AS reason,
    'it was shown what was forgotten' AS detail,
    'forget' AS run_id
FROM tombstones
WHERE tombstones.kind IN ('instructions', 'groundings')
ON CONFLICT DO NOTHING;

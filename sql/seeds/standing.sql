-- Seeds that nothing has refused, under whatever method they were read or judged, published or not.
-- owner:  tasks/seeds.py
-- grain:  one row per human instruction x method
-- params: none
CREATE OR REPLACE VIEW standing_seeds AS
SELECT seeds.*
FROM seeds
WHERE
    NOT EXISTS (
        SELECT 1
        FROM rejections
        WHERE
            rejections.stage = 'seeds'
            AND rejections.input_id = seeds.seed_id
            AND rejections.fingerprint = seeds.fingerprint
    );

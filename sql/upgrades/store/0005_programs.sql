-- Turns before an instruction and about a seed, their tools, a weight, what a response is for, and how a pair is known.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per instruction; one row per seed; one row per response; one row per pair
-- params: none
ALTER TABLE IF EXISTS instructions ADD COLUMN IF NOT EXISTS history VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS instructions ALTER COLUMN history SET NOT NULL;
ALTER TABLE IF EXISTS instructions ADD COLUMN IF NOT EXISTS tools VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS instructions ALTER COLUMN tools SET NOT NULL;
ALTER TABLE IF EXISTS seeds ADD COLUMN IF NOT EXISTS system VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS seeds ALTER COLUMN system SET NOT NULL;
ALTER TABLE IF EXISTS seeds ADD COLUMN IF NOT EXISTS turns VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS seeds ALTER COLUMN turns SET NOT NULL;
ALTER TABLE IF EXISTS seeds ADD COLUMN IF NOT EXISTS tools VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS seeds ALTER COLUMN tools SET NOT NULL;
ALTER TABLE IF EXISTS instructions ADD COLUMN IF NOT EXISTS weight DOUBLE DEFAULT 1.0;
ALTER TABLE IF EXISTS instructions ALTER COLUMN weight SET NOT NULL;
ALTER TABLE IF EXISTS responses ADD COLUMN IF NOT EXISTS use VARCHAR DEFAULT 'answer';
ALTER TABLE IF EXISTS responses ALTER COLUMN use SET NOT NULL;
ALTER TABLE IF EXISTS preferences ADD COLUMN IF NOT EXISTS kind VARCHAR DEFAULT 'reward';
ALTER TABLE IF EXISTS preferences ALTER COLUMN kind SET NOT NULL;

UPDATE responses
SET use = 'draw'
WHERE
    responses.fingerprint IN (
        SELECT methods.fingerprint
        FROM methods
        WHERE methods.stage = 'responses' AND methods.name = 'answer_for_pairs'
    );

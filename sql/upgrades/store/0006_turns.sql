-- Have instructions with turns before them embedded anew, and what was selected by their vectors: they were of the last turn alone.
-- owner:  tasks/embeddings.py
-- grain:  one row per instruction x embedder; one row per instruction x policy
-- params: none
CREATE OR REPLACE TEMP TABLE in_turns AS
SELECT DISTINCT instructions.instruction_id
FROM instructions
WHERE instructions.history <> '';
CREATE OR REPLACE TEMP TABLE selected_by_them AS
SELECT selections.fingerprint
FROM selections
WHERE selections.instruction_id IN (SELECT in_turns.instruction_id FROM in_turns)
UNION
SELECT rejections.fingerprint
FROM rejections
WHERE rejections.stage = 'selections' AND rejections.input_id IN (SELECT in_turns.instruction_id FROM in_turns);
DELETE FROM selections
WHERE selections.fingerprint IN (SELECT selected_by_them.fingerprint FROM selected_by_them);
DELETE FROM rejections
WHERE rejections.stage = 'selections' AND rejections.fingerprint IN (SELECT selected_by_them.fingerprint FROM selected_by_them);
DELETE FROM rejections
WHERE rejections.stage = 'embeddings' AND rejections.input_id IN (SELECT in_turns.instruction_id FROM in_turns);
DELETE FROM embeddings
WHERE embeddings.text_id IN (SELECT in_turns.instruction_id FROM in_turns);
DROP TABLE selected_by_them;
DROP TABLE in_turns;

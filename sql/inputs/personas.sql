-- People that a program has thought of (notes of the kind `persona`), for programs below it to draw.
-- owner:  tasks/spine/writing/lookups.py
-- grain:  one row per person
-- params: none
CREATE OR REPLACE VIEW inputs_personas AS
SELECT
    notes.note_id AS input_id,
    json_extract_string(notes.data, '$.person') AS text,
    notes.input_id AS document_id,
    notes.fingerprint
FROM notes
WHERE notes.kind = 'persona';

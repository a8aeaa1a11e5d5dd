-- What judges, checks and policies said of instructions and answers, and a newer text of a document, in words.
-- owner:  tasks/spine/provenance/lineage.py
-- grain:  one row per subject x judge x criterion, subject x check, instruction x policy, or older document
-- params: none
CREATE OR REPLACE VIEW lineage_judged AS
SELECT
    judged.id,
    judged.what,
    judged.found,
    concat(judged.what, ' ', judged.found) AS said
FROM each_judged AS judged;

-- Passages of the documents that later stages read, with their text: what retrieval searches.
-- owner:  tasks/spine/vectors/retrieval.py
-- grain:  one row per passage
-- params: none
SELECT DISTINCT
    passages.passage_id,
    passages.document_id,
    passages.text
FROM valid_passages AS passages
WHERE passages.document_id IN (SELECT documents.document_id FROM valid_documents AS documents)
ORDER BY passages.passage_id, passages.document_id;

-- What the store has read, by its words: pages and seeds.
-- owner:  tasks/spine/lineage.py
-- grain:  one row per document or seed
-- params: none
CREATE OR REPLACE VIEW lineage_read AS
SELECT
    documents.document_id AS id,
    documents.text
FROM documents
UNION ALL
SELECT
    seeds.seed_id AS id,
    concat(seeds.text, seeds.response) AS text
FROM seeds;

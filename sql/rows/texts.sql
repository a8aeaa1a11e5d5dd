-- Pages that exported lines rest on, as far as anybody reads them beside a row.
-- owner:  tasks/site/browser.py
-- grain:  one row per document
-- params: $most (characters)
SELECT
    pages.page,
    documents.document_id,
    documents.url,
    documents.title,
    left(documents.text, $most) AS text,
    length(documents.text) AS chars
FROM browsed.pages AS pages
INNER JOIN documents ON pages.document_id = documents.document_id AND pages.document_method = documents.fingerprint
ORDER BY pages.page;

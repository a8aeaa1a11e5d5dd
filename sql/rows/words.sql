-- In which exported lines each word stands: what the browser's filter looks up. Of a word of more lines than are kept
-- only the first are here.
-- owner:  tasks/spine/browser.py
-- grain:  one row per word
-- params: $most, $first, $last (words from the one up to, but not, the other; NULL: to the end)
WITH texts AS (
    SELECT
        lines.number,
        lower(
            concat_ws(
                ' ', instructions.text, responses.text, documents.url, documents.title, instructions.recipe, responses.model
            )
        ) AS text
    FROM exported_lines AS lines
    LEFT JOIN responses ON lines.response_id = responses.response_id AND lines.response_method = responses.fingerprint
    LEFT JOIN instructions
        ON lines.instruction_id = instructions.instruction_id AND lines.instruction_method = instructions.fingerprint
    LEFT JOIN documents ON lines.document_id = documents.document_id AND lines.document_method = documents.fingerprint
),

-- Scripts without spaces are cut into characters; rows.js cuts what is typed the same way.
spaced AS (
    SELECT
        texts.number,
        regexp_replace(texts.text, '([\p{Han}\p{Hiragana}\p{Katakana}])', ' \1 ', 'g') AS text
    FROM texts
),

cut AS (
    SELECT
        cast(spaced.number AS INTEGER) AS number,
        unnest(list_distinct(regexp_extract_all(spaced.text, '[\p{L}\p{N}\p{M}]+'))) AS word
    FROM spaced
)

SELECT
    cut.word,
    count(*) AS lines,
    list_slice(list_sort(list(cut.number)), 1, $most) AS numbers
FROM cut
WHERE length(cut.word) <= 40 AND cut.word >= $first AND ($last IS NULL OR cut.word < $last)
GROUP BY cut.word
ORDER BY cut.word;

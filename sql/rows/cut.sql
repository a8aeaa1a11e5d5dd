-- Cut some exported lines into words, and note in which of them each stands. Of a word of more lines than are kept only
-- the first are here.
-- owner:  tasks/site/browser.py
-- grain:  one row per part of the lines x word
-- params: $start, $stop (numbers of lines), $most
INSERT INTO browsed.words
WITH texts AS (
    SELECT
        lines.number,
        lower(
            concat_ws(
                ' ', instructions.text, responses.text, documents.url, documents.title, instructions.recipe, responses.model
            )
        ) AS text
    FROM browsed.lines AS lines
    LEFT JOIN responses ON lines.response_id = responses.response_id AND lines.response_method = responses.fingerprint
    LEFT JOIN instructions
        ON lines.instruction_id = instructions.instruction_id AND lines.instruction_method = instructions.fingerprint
    LEFT JOIN documents ON lines.document_id = documents.document_id AND lines.document_method = documents.fingerprint
    WHERE lines.number >= $start AND lines.number < $stop
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
    $start AS part,
    count(*) AS lines,
    list_slice(list_sort(list(cut.number)), 1, $most) AS numbers
FROM cut
WHERE length(cut.word) <= 40
GROUP BY cut.word;

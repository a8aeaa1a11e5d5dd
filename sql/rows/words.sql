-- In which exported lines each word stands: what the browser's filter looks up.
-- owner:  tasks/site/browser.py
-- grain:  one row per word x part of the lines
-- params: none
SELECT
    words.word,
    words.lines,
    words.numbers
FROM browsed.words AS words
ORDER BY words.word, words.part;

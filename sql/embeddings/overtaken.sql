-- Of some texts that a fit learned from, the passages that are in force no more: their page has a newer text.
-- owner:  tasks/spine/vectors/embedders.py
-- grain:  one row per passage
-- params: $text_ids
SELECT DISTINCT passages.passage_id
FROM passages
WHERE
    passages.passage_id IN (SELECT unnest($text_ids))
    AND passages.passage_id NOT IN (SELECT valid.passage_id FROM valid_passages AS valid);

-- Make the table of words, which is filled a part of the lines at a time.
-- owner:  tasks/site/browser.py
-- grain:  one row per part of the lines x word
-- params: none
CREATE OR REPLACE TABLE browsed.words (
    word VARCHAR NOT NULL,
    part BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    numbers INTEGER[] NOT NULL
);

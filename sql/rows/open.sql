-- Make room for what is only there while the browser's files are written.
-- owner:  tasks/site/browser.py
-- grain:  none
-- params: none
CREATE SCHEMA IF NOT EXISTS browsed;

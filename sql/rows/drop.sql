-- Take away what is only there while the browser's files are written.
-- owner:  tasks/site/browser.py
-- grain:  none
-- params: none
DROP SCHEMA IF EXISTS browsed CASCADE;

-- Take the numbered lines away again: they are only there while pages are written.
-- owner:  tasks/spine/browser.py
-- grain:  none
-- params: none
DROP TABLE IF EXISTS exported_lines;

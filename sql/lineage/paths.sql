-- Every exported file that the store knows.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per exported file
-- params: none
SELECT DISTINCT exports.path
FROM exports
ORDER BY exports.path;

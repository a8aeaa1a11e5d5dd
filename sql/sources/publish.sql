-- Note what passed its audit, so that the next one looks at what came since.
-- owner:  tasks/spine/validation.py
-- grain:  one row per method x run
-- params: none
INSERT INTO publications
SELECT DISTINCT
    'sources' AS noun,
    '' AS fingerprint,
    sources.run_id
FROM unaudited_sources AS sources
ON CONFLICT DO NOTHING;

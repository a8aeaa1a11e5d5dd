-- What is not to be exported: what a person excluded and did not include again, and all that rests on it.
-- owner:  tasks/spine/provenance/exclusions.py
-- grain:  one row per thing, with the id that a person named, and why
-- params: none
CREATE OR REPLACE VIEW lineage_excluded AS
WITH RECURSIVE standing AS (
    SELECT
        decisions.value AS root,
        arg_max(decisions.reason, decisions.decided_at) AS reason
    FROM decisions
    WHERE decisions.kind IN ('exclude', 'include')
    GROUP BY decisions.value
    HAVING arg_max(decisions.kind, decisions.decided_at) = 'exclude'
),

reached AS (
    SELECT
        standing.root AS id,
        standing.root,
        standing.reason
    FROM standing
    UNION
    SELECT
        lineage_origins.child_id AS id,
        reached.root,
        reached.reason
    FROM reached
    INNER JOIN lineage_origins ON reached.id = lineage_origins.parent_id
)

SELECT
    reached.id,
    min(reached.root) AS root,
    arg_min(reached.reason, reached.root) AS reason
FROM reached
GROUP BY reached.id;

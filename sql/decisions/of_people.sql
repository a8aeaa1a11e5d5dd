-- Marks of people that are no decision yet: rows to exclude, and rows to include again, since who excluded them thinks otherwise.
-- owner:  tasks/spine/provenance/exclusions.py
-- grain:  one row per person x thing
-- params: none
WITH marks AS (
    SELECT
        valid_scores.subject_id AS id,
        valid_scores.judge AS person,
        valid_scores.value = 0 AS is_out,
        -- The place in the file of marks follows what was said.
        regexp_replace(valid_scores.reason, ' ?\(?[a-z0-9_]+\.jsonl, row \d+\)?$', '') AS reason
    FROM valid_scores
    WHERE starts_with(valid_scores.judge, 'human:') AND valid_scores.criterion = 'keep'
),

decided AS (
    SELECT
        decisions.value AS id,
        decisions.kind,
        regexp_extract(decisions.reason, '^(human:[a-z0-9_]+): ', 1) AS person,
        decisions.decided_at
    FROM decisions
    WHERE decisions.kind IN ('exclude', 'include')
),

own AS (
    SELECT
        decided.id,
        decided.person,
        arg_max(decided.kind, decided.decided_at) AS kind
    FROM decided
    GROUP BY decided.id, decided.person
),

latest AS (
    SELECT
        decided.id,
        arg_max(decided.person, decided.decided_at) AS person
    FROM decided
    GROUP BY decided.id
)

SELECT
    marks.id,
    if(marks.is_out, 'exclude', 'include') AS kind,
    marks.person,
    marks.reason
FROM marks
LEFT JOIN own ON marks.id = own.id AND marks.person = own.person
LEFT JOIN latest ON marks.id = latest.id
WHERE
    (marks.is_out AND coalesce(own.kind, 'include') = 'include')
    OR (
        own.kind = 'exclude'
        AND NOT marks.is_out
        AND latest.person <> ''
        AND marks.id NOT IN (SELECT others.id FROM marks AS others WHERE others.is_out)
    )
ORDER BY marks.person, kind, marks.id;

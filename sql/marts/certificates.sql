-- Tasks that can be verified: what became of each kind, which mutants verifiers rejected, and how often solvers solved them.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per part x kind x name
-- params: none
WITH outcomes AS (
    SELECT
        json_extract_string(tasks.task, '$.kind') AS kind,
        CASE
            WHEN verdicts.passed THEN 'certified'
            WHEN verdicts.subject_id IS NOT NULL THEN split_part(verdicts.detail, ':', 1)
            ELSE 'not judged'
        END AS name
    FROM inputs_tasks AS tasks
    LEFT JOIN valid_verdicts AS verdicts ON tasks.input_id = verdicts.subject_id AND verdicts.check_name = 'certified'
),

certificates AS (
    SELECT
        from_json(json_extract(notes.data, '$.mutants'), '"MAP(VARCHAR, BIGINT[])"') AS mutants,
        from_json(json_extract(notes.data, '$.solved'), '"MAP(VARCHAR, BIGINT[])"') AS solved
    FROM valid_notes AS notes
    WHERE notes.kind = 'certificate'
),

mutants AS (
    SELECT unnest(map_entries(certificates.mutants)) AS entry
    FROM certificates
),

solved AS (
    SELECT unnest(map_entries(certificates.solved)) AS entry
    FROM certificates
)

SELECT
    'outcome' AS part,
    outcomes.kind,
    outcomes.name,
    count(*) AS number,
    count(*) AS whole
FROM outcomes
GROUP BY outcomes.kind, outcomes.name
UNION ALL
SELECT
    'mutants' AS part,
    '' AS kind,
    mutants.entry.key AS name,
    cast(sum(mutants.entry.value[1]) AS BIGINT) AS number,
    cast(sum(mutants.entry.value[2]) AS BIGINT) AS whole
FROM mutants
GROUP BY mutants.entry.key
UNION ALL
SELECT
    'solved' AS part,
    solved.entry.key AS kind,
    concat(cast(round(100 * solved.entry.value[1] / solved.entry.value[2]) AS INTEGER), ' %') AS name,
    count(*) AS number,
    count(*) AS whole
FROM solved
WHERE solved.entry.value[2] > 0
GROUP BY
    solved.entry.key,
    round(100 * solved.entry.value[1] / solved.entry.value[2])
ORDER BY part, kind, length(name), name;

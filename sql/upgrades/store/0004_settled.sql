-- What programs are done with, and the calls that they made: of older rows and refusals, as far as these tell.
-- owner:  tasks/spine/writing/runner.py
-- grain:  one row per input x method; one row per input x method x model call
-- params: none
INSERT INTO settled
SELECT
    done.input_id,
    done.fingerprint,
    min(done.stage) AS stage,
    min(done.run_id) AS run_id,
    sum(done.made + done.refused) AS calls,
    sum(done.made) AS made,
    sum(done.refused) AS refused,
    0 AS seconds
FROM (
    SELECT
        groundings.seed_id AS input_id,
        groundings.fingerprint,
        'groundings' AS stage,
        groundings.run_id,
        1 AS made,
        0 AS refused
    FROM groundings
    UNION ALL
    SELECT
        instructions.input_id,
        instructions.fingerprint,
        'instructions' AS stage,
        instructions.run_id,
        1 AS made,
        0 AS refused
    FROM instructions
    UNION ALL
    SELECT
        responses.instruction_id AS input_id,
        responses.fingerprint,
        'responses' AS stage,
        responses.run_id,
        1 AS made,
        0 AS refused
    FROM responses
    UNION ALL
    SELECT
        scores.subject_id AS input_id,
        scores.fingerprint,
        'scores' AS stage,
        scores.run_id,
        1 AS made,
        0 AS refused
    FROM scores
    UNION ALL
    SELECT
        verdicts.subject_id AS input_id,
        verdicts.fingerprint,
        'verdicts' AS stage,
        verdicts.run_id,
        1 AS made,
        0 AS refused
    FROM verdicts
    WHERE
        verdicts.fingerprint NOT IN (
            SELECT methods.fingerprint
            FROM methods
            WHERE methods.stage = 'verdicts' AND methods.name IN ('checks', 'verified', 'not_same')
        )
    UNION ALL
    SELECT
        preferences.instruction_id AS input_id,
        preferences.fingerprint,
        'preferences' AS stage,
        preferences.run_id,
        1 AS made,
        0 AS refused
    FROM preferences
    UNION ALL
    SELECT
        split_part(rejections.input_id, '#', 1) AS input_id,
        rejections.fingerprint,
        rejections.stage,
        rejections.run_id,
        0 AS made,
        1 AS refused
    FROM rejections
    WHERE
        rejections.stage IN ('groundings', 'instructions', 'responses', 'scores', 'verdicts', 'preferences')
        AND rejections.reason NOT IN ('forgotten', 'superseded')
) AS done
GROUP BY done.input_id, done.fingerprint;

INSERT INTO steps
SELECT DISTINCT
    said.input_id,
    said.fingerprint,
    '' AS place,
    coalesce((SELECT min(methods.name) FROM methods WHERE methods.fingerprint = said.fingerprint), '') AS heading,
    completions.role,
    completions.completion_id,
    completions.run_id
FROM (
    SELECT
        groundings.seed_id AS input_id,
        groundings.fingerprint,
        groundings.completion_id
    FROM groundings
    UNION
    SELECT
        instructions.input_id,
        instructions.fingerprint,
        instructions.completion_id
    FROM instructions
    UNION
    SELECT
        responses.instruction_id AS input_id,
        responses.fingerprint,
        responses.completion_id
    FROM responses
    UNION
    SELECT
        scores.subject_id AS input_id,
        scores.fingerprint,
        coalesce(scores.completion_id, regexp_extract(scores.reason, '\[([0-9a-f]{20})\]$', 1)) AS completion_id
    FROM scores
    UNION
    SELECT
        verdicts.subject_id AS input_id,
        verdicts.fingerprint,
        coalesce(verdicts.completion_id, regexp_extract(verdicts.detail, '\[([0-9a-f]{20})\]$', 1)) AS completion_id
    FROM verdicts
    UNION
    SELECT
        split_part(rejections.input_id, '#', 1) AS input_id,
        rejections.fingerprint,
        regexp_extract(rejections.detail, '\[([0-9a-f]{20})\]$', 1) AS completion_id
    FROM rejections
) AS said
INNER JOIN completions ON said.completion_id = completions.completion_id;

-- The suites of these tables hold rows to what their program said; of these nobody said anything.
INSERT INTO publications
SELECT DISTINCT
    'settled' AS noun,
    '' AS fingerprint,
    settled.run_id
FROM settled
UNION ALL
SELECT DISTINCT
    'steps' AS noun,
    '' AS fingerprint,
    steps.run_id
FROM steps
ON CONFLICT DO NOTHING;

-- Name the method, too, of what passed its audit: by noun, fingerprint and run, no more by noun and run.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per table x method x run
-- params: none
CREATE OR REPLACE TEMP TABLE published_runs AS
SELECT
    publications.noun,
    publications.run_id
FROM publications
WHERE publications.run_id NOT IN (SELECT runs.run_id FROM runs WHERE runs.status = 'running');  -- killed: to be audited again
DROP TABLE publications;
CREATE TABLE publications (
    noun VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (noun, fingerprint, run_id)
);
INSERT INTO publications
WITH written AS (
    SELECT
        'documents' AS noun,
        documents.fingerprint,
        documents.run_id
    FROM documents
    UNION
    SELECT
        'passages' AS noun,
        passages.fingerprint,
        passages.run_id
    FROM passages
    UNION
    SELECT
        'seeds' AS noun,
        seeds.fingerprint,
        seeds.run_id
    FROM seeds
    UNION
    SELECT
        'groundings' AS noun,
        groundings.fingerprint,
        groundings.run_id
    FROM groundings
    UNION
    SELECT
        'instructions' AS noun,
        instructions.fingerprint,
        instructions.run_id
    FROM instructions
    UNION
    SELECT
        'responses' AS noun,
        responses.fingerprint,
        responses.run_id
    FROM responses
    UNION
    SELECT
        'verdicts' AS noun,
        verdicts.fingerprint,
        verdicts.run_id
    FROM verdicts
    UNION
    SELECT
        'scores' AS noun,
        scores.fingerprint,
        scores.run_id
    FROM scores
    UNION
    SELECT
        'selections' AS noun,
        selections.fingerprint,
        selections.run_id
    FROM selections
    UNION
    SELECT
        'preferences' AS noun,
        preferences.fingerprint,
        preferences.run_id
    FROM preferences
    UNION
    SELECT
        'exports' AS noun,
        exports.fingerprint,
        exports.run_id
    FROM exports
    UNION
    SELECT
        'embeddings' AS noun,
        embeddings.model AS fingerprint,
        embeddings.run_id
    FROM embeddings
    UNION
    SELECT
        'sources' AS noun,
        '' AS fingerprint,
        sources.run_id
    FROM sources
    UNION
    SELECT
        'completions' AS noun,
        '' AS fingerprint,
        completions.run_id
    FROM completions
)

SELECT
    published_runs.noun,
    written.fingerprint,
    published_runs.run_id
FROM published_runs
INNER JOIN written ON published_runs.noun = written.noun AND published_runs.run_id = written.run_id;
DROP TABLE published_runs;

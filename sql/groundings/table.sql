-- A seed traced to a document, a user and a motivation (SynthQuestions, attribution).
-- owner:  tasks/groundings.py
-- grain:  one row per seed x document x method
-- params: none
CREATE TABLE IF NOT EXISTS groundings (
    grounding_id VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    seed_id VARCHAR NOT NULL,
    document_id VARCHAR NOT NULL,
    intention VARCHAR NOT NULL,
    keywords VARCHAR[] NOT NULL,
    scene VARCHAR NOT NULL,
    ability VARCHAR NOT NULL,
    knowledge VARCHAR NOT NULL,
    output VARCHAR NOT NULL,
    extra_information VARCHAR NOT NULL,
    agreement DOUBLE,
    completion_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (grounding_id, fingerprint)
);

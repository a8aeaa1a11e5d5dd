-- What a robots.txt, ai.txt or tdmrep.json in a corpus asks of those who train models, as `allow: /a` and `disallow: /b`.
-- owner:  tasks/documents.py
-- grain:  one row per host x file x what it says
-- params: none
CREATE TABLE IF NOT EXISTS site_rules (
    site_rules_id VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    rules VARCHAR[] NOT NULL,
    run_id VARCHAR NOT NULL,
    PRIMARY KEY (site_rules_id)
);

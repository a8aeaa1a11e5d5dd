-- Instructions of people in use, by source and language.
-- owner:  tasks/site/lists.py
-- grain:  one row per seed
-- params: $shows_values
SELECT
    coalesce(sources.name, 'unknown') AS part,
    valid_seeds.language AS kind,
    valid_seeds.run_id,
    valid_seeds.seed_id AS id,
    if($shows_values, left(valid_seeds.text, 300), '') AS telling,
    concat(valid_seeds.tokens, ' tokens, line ', valid_seeds.line) AS said,
    'seed' AS what,
    NULL AS line
FROM valid_seeds
LEFT JOIN sources ON valid_seeds.source_id = sources.source_id
ORDER BY part, kind, valid_seeds.run_id, valid_seeds.seed_id;

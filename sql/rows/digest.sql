-- What the browser of rows would show, in numbers that change when it does.
-- owner:  tasks/site/browser.py
-- grain:  one row
-- params: none
SELECT
    (SELECT count(*) FROM browsed.lines) AS lines,
    (
        SELECT
            coalesce(bit_xor(
                hash(lines.number, lines.export_id, lines.response_method, lines.instruction_method, lines.is_excluded)
            ), 0)
        FROM browsed.lines AS lines
    ) AS mixed,
    (SELECT count(*) FROM scores) AS scores,
    (SELECT count(*) FROM verdicts) AS verdicts,
    (SELECT count(*) FROM selections) AS selections,
    (SELECT count(*) FROM valid_preferences) AS preferences,
    (
        SELECT coalesce(bit_xor(hash(rejections.stage, rejections.input_id, rejections.fingerprint, rejections.reason)), 0)
        FROM rejections
    ) AS rejections,
    (SELECT count(*) FROM duplicates) AS duplicates,
    (SELECT count(*) FROM valid_documents) AS documents,
    (SELECT count(*) FROM valid_instructions) AS instructions;

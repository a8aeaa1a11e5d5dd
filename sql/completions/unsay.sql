-- Take words out that quote what was forgotten, of calls whose rows stay.
-- owner:  tasks/spine/provenance/forgetting.py
-- grain:  one row per row of `completions`
-- params: $fragments
UPDATE completions
SET
    request = '"forgotten"',
    text = 'forgotten',
    thought = '',
    tool_calls = '',
    logprobs = ''
WHERE EXISTS (
    SELECT quoted.text
    FROM (SELECT unnest($fragments) AS text) AS quoted
    WHERE contains(concat(completions.request, completions.text, completions.thought, completions.tool_calls), quoted.text)
);

-- Rows that no audit has passed yet: what `completions` is audited on, value by value; texts are judged in the database.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per row of `completions`
-- params: none
SELECT
    completions.completion_id,
    completions.prompt_tokens,
    completions.completion_tokens,
    completions.cost_usd,
    completions.attempts
FROM unaudited_completions AS completions;

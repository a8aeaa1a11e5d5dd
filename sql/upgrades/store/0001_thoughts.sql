-- Keep an answer's thought, tool calls and log-probabilities, and the name under which the server answered.
-- owner:  tasks/io/storage/store.py
-- grain:  one row per model call; one row per answer
-- params: none
ALTER TABLE IF EXISTS completions ADD COLUMN IF NOT EXISTS thought VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS completions ALTER COLUMN thought SET NOT NULL;
ALTER TABLE IF EXISTS completions ADD COLUMN IF NOT EXISTS tool_calls VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS completions ALTER COLUMN tool_calls SET NOT NULL;
ALTER TABLE IF EXISTS completions ADD COLUMN IF NOT EXISTS logprobs VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS completions ALTER COLUMN logprobs SET NOT NULL;
ALTER TABLE IF EXISTS completions ADD COLUMN IF NOT EXISTS served VARCHAR DEFAULT '';
ALTER TABLE IF EXISTS completions ALTER COLUMN served SET NOT NULL;
ALTER TABLE IF EXISTS responses ADD COLUMN IF NOT EXISTS thought VARCHAR;

-- Keep an answer's thought, tool calls and log-probabilities, and the name under which the server answered.
-- owner:  tasks/io/storage/journal_file.py
-- grain:  one row per call that ended
-- params: none
ALTER TABLE completions ADD COLUMN thought TEXT NOT NULL DEFAULT '';
ALTER TABLE completions ADD COLUMN tool_calls TEXT NOT NULL DEFAULT '';
ALTER TABLE completions ADD COLUMN logprobs TEXT NOT NULL DEFAULT '';
ALTER TABLE completions ADD COLUMN served TEXT NOT NULL DEFAULT '';

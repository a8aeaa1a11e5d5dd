-- Instructions, each with all its answers, named by these: another answer makes another input.
-- owner:  tasks/scores.py
-- grain:  one row per instruction that has an answer, and one for its probes
-- params: none
CREATE OR REPLACE VIEW inputs_responses_by_instruction AS
SELECT
    left(sha256(string_agg(responses.input_id, ' ' ORDER BY responses.input_id)), 20) AS input_id,  -- as long as all ids
    responses.instruction_id,
    any_value(responses.instruction) AS text,
    any_value(responses.history) AS history,
    any_value(responses.reference) AS reference,
    cast(
        to_json(
            list(
                struct_pack(
                    response_id := responses.input_id,
                    text := responses.response,
                    model := responses.model,
                    use := responses.use
                )
                ORDER BY responses.input_id
            )
        ) AS VARCHAR
    ) AS answers
FROM inputs_responses AS responses
GROUP BY responses.instruction_id, responses.use = 'probe';

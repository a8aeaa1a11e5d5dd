-- From which instruction, and by which method, pairs were made, for each of their answers: a part of the ledger.
-- owner:  tasks/preferences.py
-- grain:  one row per pair x answer
-- params: none
SELECT
    coalesce(own.input_id, preferences.instruction_id) AS input_id,
    preferences.fingerprint,
    unnest(list_distinct([nullif(preferences.chosen_id, ''), nullif(preferences.rejected_id, '')])) AS thing
FROM preferences
LEFT JOIN lineage_inputs AS own
    ON
        coalesce(nullif(preferences.chosen_id, ''), preferences.rejected_id) = own.id
        AND preferences.fingerprint = own.fingerprint;

-- Inputs of a run's stages that are neither rows nor refusals, as receipts count them.
-- owner:  tasks/spine/running/validation.py
-- grain:  one row per run x stage
-- params: none
CREATE OR REPLACE VIEW audited_receipts AS
SELECT
    receipts.run_id,
    receipts.stage,
    cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT) AS unaccounted
FROM receipts
GROUP BY receipts.run_id, receipts.stage;

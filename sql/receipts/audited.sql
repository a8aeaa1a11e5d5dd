-- Inputs of runs not published yet that are neither rows nor refusals, as receipts count them.
-- owner:  tasks/spine/validation.py
-- grain:  one row per stage
-- params: none
CREATE OR REPLACE VIEW audited_receipts AS
SELECT
    receipts.stage,
    cast(sum(abs(receipts.rows_in - receipts.rows_out - receipts.rows_rejected)) AS BIGINT) AS unaccounted
FROM receipts
WHERE (receipts.stage, receipts.run_id) NOT IN (SELECT (publications.noun, publications.run_id) FROM publications)
GROUP BY receipts.stage;

-- What receipts say of a stage that audits judge: inputs of runs not published yet that are neither rows nor refusals, and
-- how far the share that is refused has moved from that of published runs (0 where either side has under 100 inputs).
-- owner:  tasks/spine/validation.py
-- grain:  one row per stage
-- params: none
CREATE OR REPLACE VIEW audited_receipts AS
WITH marked AS (
    SELECT
        receipts.*,
        (receipts.stage, receipts.run_id) NOT IN (SELECT (publications.noun, publications.run_id) FROM publications) AS is_new
    FROM receipts
),

counted AS (
    SELECT
        marked.stage,
        sum(abs(marked.rows_in - marked.rows_out - marked.rows_rejected)) FILTER (WHERE marked.is_new) AS unaccounted,
        sum(marked.rows_in) FILTER (WHERE marked.is_new) AS new_in,
        sum(marked.rows_rejected) FILTER (WHERE marked.is_new) AS new_rejected,
        sum(marked.rows_in) FILTER (WHERE NOT marked.is_new) AS past_in,
        sum(marked.rows_rejected) FILTER (WHERE NOT marked.is_new) AS past_rejected
    FROM marked
    GROUP BY marked.stage
)

SELECT
    counted.stage,
    cast(coalesce(counted.unaccounted, 0) AS BIGINT) AS unaccounted,
    CASE
        WHEN counted.new_in >= 100 AND counted.past_in >= 100
            THEN abs(counted.new_rejected / counted.new_in - counted.past_rejected / counted.past_in)
        ELSE 0
    END AS refusal_drift
FROM counted;

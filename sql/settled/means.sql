-- How many calls an input of each program has taken here, refused ones included; what an upgrade wrote is not counted.
-- owner:  tasks/spine/operations/estimating.py
-- grain:  one row per method
-- params: none
SELECT
    settled.fingerprint,
    count(*) AS inputs,
    avg(settled.calls) AS calls
FROM settled
WHERE settled.seconds > 0
GROUP BY settled.fingerprint
ORDER BY settled.fingerprint;

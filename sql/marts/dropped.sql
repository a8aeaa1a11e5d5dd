-- What refused items of the corpus, quality rules by their own names and opt-outs by what declared them.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per reason x rule
-- params: none
SELECT
    rejections.reason,
    CASE rejections.reason
        WHEN 'quality' THEN regexp_extract(rejections.detail, '([a-z0-9_]+\.[a-z0-9_]+) is [^:]*$', 1)
        WHEN 'opt_out'
            THEN
                regexp_extract(
                    rejections.detail,
                    ': (meta [^,]+|X-Robots-Tag[^,]+|TDM-Reservation[^,]+|Content-[SU][^,]+|RSL: [a-z]+|(?:robots|ai)\.txt|tdmrep\.json)',
                    1
                )
        WHEN 'contaminated' THEN regexp_extract(rejections.detail, ' ([^ ]+):[^ ]+ ''', 1)
        ELSE ''
    END AS rule,
    count(*) AS items
FROM rejections
WHERE
    rejections.stage = 'documents'
    AND rejections.fingerprint IN (SELECT methods.fingerprint FROM methods WHERE methods.stage = 'documents' AND methods.active)
GROUP BY ALL
ORDER BY items DESC, rejections.reason ASC, rule ASC;

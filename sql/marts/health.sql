-- One row of what a monitor watches: rows, refusals, spend, failures, and how old things are.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row
-- params: none
SELECT
    (SELECT count(*) FROM documents) AS documents,
    (
        SELECT count(*)
        FROM documents
        WHERE
            documents.duplicate_of IS NOT NULL
            OR documents.document_id IN (SELECT near.document_id FROM duplicates AS near)
    ) AS duplicates,
    (SELECT count(*) FROM seeds) AS seeds,
    (SELECT count(*) FROM groundings) AS groundings,
    (SELECT count(*) FROM instructions) AS instructions,
    (SELECT count(*) FROM responses) AS responses,
    (SELECT count(*) FROM scores) AS scores,
    (SELECT count(*) FROM valid_exports) AS exported,
    (SELECT count(*) FROM rejections) AS refused,
    (SELECT count(*) FROM failures WHERE failures.stage <> 'pages') AS broken_shards,
    (SELECT count(*) FROM tombstones) AS tombstones,
    (SELECT count(*) FROM completions) AS calls,
    (SELECT coalesce(sum(completions.prompt_tokens), 0)::BIGINT FROM completions) AS prompt_tokens,
    (SELECT coalesce(sum(completions.completion_tokens), 0)::BIGINT FROM completions) AS completion_tokens,
    (SELECT coalesce(sum(completions.cost_usd), 0) FROM completions) AS cost_usd,
    (SELECT coalesce(sum(greatest(completions.attempts - 1, 0)), 0)::BIGINT FROM completions) AS retries,
    (
        SELECT count(DISTINCT concat_ws(' ', failures.stage, failures.shard_id, failures.fingerprint))
        FROM failures
        WHERE
            failures.stage <> 'pages'
            AND NOT EXISTS (
                SELECT shards.shard_id
                FROM shards
                WHERE
                    shards.stage = failures.stage
                    AND shards.shard_id = failures.shard_id
                    AND shards.fingerprint = failures.fingerprint
            )
    ) AS queued,
    (
        SELECT coalesce(date_diff('second', max(try_cast(documents.fetched_at AS TIMESTAMP)), now()::TIMESTAMP), 0)
        FROM documents
    ) AS newest_document_age_seconds,
    (
        SELECT coalesce(date_diff('second', max(runs.ended_at), now()::TIMESTAMP), 0)
        FROM runs
        WHERE runs.status = 'done'
    ) AS last_success_age_seconds,
    (
        SELECT count(*)
        FROM runs
        WHERE
            runs.started_at = (SELECT max(latest.started_at) FROM runs AS latest)
            AND runs.status IN ('failed', 'crashed')
    ) AS last_run_failed,
    (SELECT max(documents.fetched_at) FROM documents) AS newest_document_at,
    (SELECT max(runs.ended_at) FROM runs WHERE runs.status = 'done') AS last_success_at;

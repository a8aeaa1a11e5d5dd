-- Model calls: tokens, cost, retries and latency of each role and model.
-- owner:  tasks/spine/watching/marts.py
-- grain:  one row per run x role x model
-- params: $run_id (NULL: every run)
SELECT
    completions.run_id,
    completions.role,
    completions.model,
    count(*) AS calls,
    cast(sum(greatest(completions.attempts - 1, 0)) AS BIGINT) AS retries,
    cast(sum(completions.prompt_tokens) AS BIGINT) AS prompt_tokens,
    cast(sum(completions.cached_tokens) AS BIGINT) AS cached_tokens,
    cast(sum(completions.completion_tokens) AS BIGINT) AS completion_tokens,
    sum(completions.cost_usd) AS cost_usd,
    quantile_cont(completions.latency_seconds, 0.5) AS latency_p50_seconds,
    quantile_cont(completions.latency_seconds, 0.95) AS latency_p95_seconds,
    count(*) FILTER (WHERE completions.finish_reason = 'length') AS cut_off,
    bool_or(starts_with(completions.model, 'offline-') OR starts_with(completions.served, 'offline-')) AS is_stand_in
FROM completions
WHERE $run_id IS NULL OR completions.run_id = $run_id
GROUP BY completions.run_id, completions.role, completions.model
ORDER BY completions.run_id, completions.role, completions.model;

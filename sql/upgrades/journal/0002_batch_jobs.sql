-- Keep what a batch job is known by, how far it is and what was said of it; and of its calls, their money and lines.
-- owner:  tasks/io/storage/journal_file.py
-- grain:  one row per batch job, one per call that a job is out for, one per attempt
-- params: none
ALTER TABLE attempts ADD COLUMN batch INTEGER;
ALTER TABLE batches ADD COLUMN nonce TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN form TEXT NOT NULL DEFAULT '{}';
ALTER TABLE batches ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN status TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN misses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN said TEXT NOT NULL DEFAULT '';
ALTER TABLE batch_calls ADD COLUMN reserved_micro_usd INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batch_calls ADD COLUMN verdict TEXT;
ALTER TABLE batch_calls ADD COLUMN reason TEXT;
ALTER TABLE batch_calls ADD COLUMN detail TEXT;
ALTER TABLE batch_calls ADD COLUMN cost_micro_usd INTEGER NOT NULL DEFAULT 0;
-- A job of before is found by its digest; its calls share what was set aside for it.
UPDATE batches
SET
    nonce = digest,
    calls = (SELECT count(*) FROM batch_calls WHERE batch_calls.batch = batches.batch);
UPDATE batch_calls
SET
    reserved_micro_usd = (
        SELECT batches.reserved_micro_usd / max(1, batches.calls)
        FROM batches
        WHERE batches.batch = batch_calls.batch
    );
-- Calls were counted before they were sent; now they are once the server has taken the job.
UPDATE ledger
SET value = value - (SELECT coalesce(sum(batches.calls), 0) FROM batches WHERE batches.state = 'intent')
WHERE name = 'sent_calls';

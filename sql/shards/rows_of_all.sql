-- About how many rows all tables hold: the key of each stays in memory.
-- owner:  tasks/io/storage/store.py
-- grain:  one row
-- params: none
SELECT cast(coalesce(sum(tables.estimated_size), 0) AS BIGINT) AS rows
FROM duckdb_tables() AS tables;

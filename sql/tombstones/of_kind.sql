-- What tombstones of one kind name.
-- owner:  tasks/spine/reading/near_copies.py
-- grain:  one row per tombstone
-- params: $kind
SELECT tombstones.value
FROM tombstones
WHERE tombstones.kind = $kind
ORDER BY tombstones.value;

"""What carries every stage: runs, the two loops, audits, lineage."""

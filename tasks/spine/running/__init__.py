"""What carries a run and each of its stages: locks, receipts, workers, audits."""

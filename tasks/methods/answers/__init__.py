"""Whether an answer is good, and which of two is better."""

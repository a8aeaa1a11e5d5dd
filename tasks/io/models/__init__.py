"""The model door: calls are asked for here, live or in batches, and answered once."""

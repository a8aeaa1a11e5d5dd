"""What a run says of itself while it works, and what a store can tell of itself."""

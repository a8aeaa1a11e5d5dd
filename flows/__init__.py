"""The order of things: one flow per file, no other logic."""

"""Prompted methods that score: a prompt and a parser each; pure."""

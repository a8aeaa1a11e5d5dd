"""Prompted methods that write: a prompt and a parser each; pure."""

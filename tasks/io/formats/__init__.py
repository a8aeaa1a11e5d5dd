"""Formats of files that people have, one file for each; they serve corpora and seeds."""

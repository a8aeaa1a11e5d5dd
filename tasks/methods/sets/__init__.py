"""Scores that rest on a whole set of rows, one file for each method."""

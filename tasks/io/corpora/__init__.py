"""Corpora: archives, sets of conversations and pages of the web, read past any damage."""

"""From a page to a document: its text, what it says of itself, whether it is good, and whether it is a copy."""

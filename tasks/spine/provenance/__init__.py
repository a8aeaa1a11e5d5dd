"""Where a row comes from, what depends on it, and how a page is forgotten."""

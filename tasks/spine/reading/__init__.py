"""From an item of a corpus to a document in force."""

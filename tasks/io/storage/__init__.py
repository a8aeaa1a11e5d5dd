"""The store and the journal: what is on disk, who holds it, and how it is audited and upgraded."""

"""Releases: what was exported, frozen under a name; what differs between two; what a forgotten page does to them."""

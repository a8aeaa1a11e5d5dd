"""One suite per table: what must hold, and why."""

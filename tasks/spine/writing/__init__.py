"""Programs that ask a model: conducted, recorded and settled."""

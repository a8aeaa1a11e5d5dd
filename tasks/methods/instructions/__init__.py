"""From seeds and pages to instructions: what a text must be to be asked of a model."""

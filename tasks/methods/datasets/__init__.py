"""What goes into a dataset, in which form, and what the whole looks like."""

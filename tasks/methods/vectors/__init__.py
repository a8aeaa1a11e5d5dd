"""Words, vectors and neighbours, and the ways to select by them."""

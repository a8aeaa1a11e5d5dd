"""Vectors of texts: who makes them, what lies near what, and what is measured with them."""

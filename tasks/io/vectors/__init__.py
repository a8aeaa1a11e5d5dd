"""Indexes of vectors and of words, and the models that make vectors on this machine."""

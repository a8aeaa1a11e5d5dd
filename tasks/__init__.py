"""The nouns lie here, one file each; everything else has a room."""

from wellspring.tasks.contracts import blas

blas.pin()  # before anything imports numpy or FAISS; tasks/contracts/__init__.py imports nothing

"""The offline stand-in for a model, and servers that do what real servers do wrong."""

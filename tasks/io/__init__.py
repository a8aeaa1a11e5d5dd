"""The doors: each library that touches the outside is imported in one file of this room."""

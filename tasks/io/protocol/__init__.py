"""One request to one server: how it is worded, priced and sent, and what the reply means."""

"""What `wellspring ...` does, by subject: building, looking, upkeep; `flows/cli.py` lists the commands."""

"""What everyone speaks: records, prompts, settings, errors."""

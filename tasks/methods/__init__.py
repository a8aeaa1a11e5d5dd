"""Computed methods: arrays and text in, arrays and text out; pure."""

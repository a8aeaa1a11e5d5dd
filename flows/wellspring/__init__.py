"""Wellspring: grounded instruction data from web archives."""

"""Searches over all kinds."""

"""Searches that are kept, and their feeds."""

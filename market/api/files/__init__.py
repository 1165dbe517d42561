"""Listings in files: imports and exports."""

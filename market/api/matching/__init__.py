"""Matches, acted on here or by links in messages; flags that matching raises."""

"""Accounts, keys and organisations: from registration to erasure."""

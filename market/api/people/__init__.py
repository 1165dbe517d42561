"""Accounts, signing in, keys, organisations and who belongs to them."""

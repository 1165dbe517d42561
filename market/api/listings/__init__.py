"""Listings: the three nouns, their versions and history, works out of bibliographies."""

"""Searches that are kept: which of them a new listing answers, and which listings answer a new one."""

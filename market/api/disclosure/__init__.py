"""Asking to see what is protected."""

"""Marshmallow schemas: the only gate for input, the only shape of output. Imports only the vocabulary."""

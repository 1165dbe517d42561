"""Marshmallow schemas: the only gate for input, the only shape of output. Imports of the market only its vocabulary."""

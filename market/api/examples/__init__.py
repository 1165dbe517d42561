"""One example for every operation of the OpenAPI document. A test sends and compares them, so they stay true."""

"""Files of listings: bytes in, rows out, and back. Pure: knows no database and no HTTP."""

"""Identity providers: where people sign in elsewhere, and what is vouched for there. Knows no database."""

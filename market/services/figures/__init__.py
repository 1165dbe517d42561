"""Published statistics: counted from the database, as JSON, CSV and charts."""

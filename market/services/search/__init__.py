"""Between the database and the search engine: listing -> document, parameters -> query -> rows."""

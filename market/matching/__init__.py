"""Pure functions: listing -> signature; pair of signatures -> score and reasons. No database, no engine, no clock."""

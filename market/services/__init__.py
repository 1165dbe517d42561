"""Use cases, one noun a file. Each takes a session and never commits; none knows HTTP."""

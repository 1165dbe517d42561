"""Use cases, a folder for each area and one noun a file. Each takes a session and never commits; none knows HTTP."""

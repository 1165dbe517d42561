"""Every kind of problem with its status and its words, area by area, and how errors become answers."""

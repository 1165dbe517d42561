"""The inbox, live or read; how and where else to be told; what was sent."""

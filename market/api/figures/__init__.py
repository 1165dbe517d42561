"""What the exchange holds, in figures."""

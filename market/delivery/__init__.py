"""How messages leave the house: the channels, when they may be used, and what they may connect to."""

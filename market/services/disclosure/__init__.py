"""What of a listing is seen by whom, and how more of it is asked for and granted for a time."""

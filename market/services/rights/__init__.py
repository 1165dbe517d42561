"""Who is calling, where they belong, and what the table of rights lets them do: in Python and in SQL."""

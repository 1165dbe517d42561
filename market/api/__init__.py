"""The HTTP edge: blueprints, who may call, and the table that turns errors into answers. No rule of the market lives here."""

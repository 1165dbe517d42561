"""The HTTP edge: blueprints, who may call, and how errors are answered. No rule of the market lives here."""

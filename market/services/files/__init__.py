"""Many listings at once: imported batch by batch, undone, exported."""

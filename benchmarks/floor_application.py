"""The door of the floor's views for a WSGI server."""

from __future__ import annotations

from benchmarks.floors import create_app

application = create_app()

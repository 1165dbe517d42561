"""The engine inside the process, on tantivy."""

from search.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]

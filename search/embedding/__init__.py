"""Texts as vectors: one protocol, and the embedders that keep it, in this process or behind an address."""

from search.embedding.choosing import embedder_of
from search.embedding.protocol import LONGEST, BadVectors, Embedder, EmbedderMissing, EmbedderUnavailable, Role

__all__ = ["LONGEST", "BadVectors", "Embedder", "EmbedderMissing", "EmbedderUnavailable", "Role", "embedder_of"]

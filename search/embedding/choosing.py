"""Which embedder an address stands for."""

from __future__ import annotations

from collections.abc import Mapping

from search.embedding.local import DIMENSIONS, LocalEmbedder
from search.embedding.protocol import Embedder, Role
from search.embedding.remote import SECONDS, RemoteEmbedder

ALLOWED = "none, local, or the http(s) address of an OpenAI-compatible server (http://127.0.0.1:11434/v1)"


def embedder_of(
    url: str,
    *,
    key: str = "",
    model: str = "",
    dimensions: int = 0,
    timeout: float = SECONDS,
    prefixes: Mapping[Role, str] | None = None,
) -> Embedder | None:
    """None for "none", the model in this process for "local", or the one at an address.

    `key`, `model`, `timeout` (seconds for a request, retries included) and `prefixes` are for servers.
    `dimensions` are asked of a server, which must be able to shorten its vectors; 0 takes them as they are.
    Raises ValueError for what is none of these, and EmbedderMissing where the local one cannot run.
    """
    if url == "none":
        return None
    if url == "local":
        if dimensions not in (0, DIMENSIONS):
            raise ValueError(f"the local embedder gives {DIMENSIONS} dimensions, not {dimensions}")
        return LocalEmbedder()
    if url.startswith(("http://", "https://")):
        return RemoteEmbedder(
            url, key=key, model=model, dimensions=dimensions, timeout=timeout, prefixes=prefixes or {}
        )
    raise ValueError(f"no embedder; it may be {ALLOWED}")  # what was given may be a key in the wrong place

"""The engine that is a Meilisearch server, on this machine or another; the same contract as the embedded one."""

from search.meili.engine import MeiliEngine

__all__ = ["MeiliEngine"]

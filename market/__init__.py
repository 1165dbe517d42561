"""Qiao 桥: the service. Its layers and who may import whom stand in docs/architecture.md."""

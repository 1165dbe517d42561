"""POST and GET with PostgreSQL below, beside bare views on the same server."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg

from benchmarks import requests
from benchmarks.measure import Figure
from benchmarks.world import console
from tests.clusters import new_cluster


def measure(data: Path) -> list[Figure]:
    """In a private server that waits for its disk as a real one does, with all the data copied into it."""
    cluster = new_cluster(os.getpid(), fsync="on", full_page_writes="on")
    try:
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        url = cluster.url("bench")
        console.print("copy the data to PostgreSQL")
        subprocess.run(
            [sys.executable, "-m", "market", "copy-database", f"sqlite:///{data.absolute() / 'market.db'}", "--json"],
            env={**os.environ, "MARKET_EMBEDDER": "none", "MARKET_DATA": str(data), "MARKET_DATABASE_URL": url},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        figures = [*requests.measure_gets(data, url), *requests.measure_posts(data, url)]
    finally:
        cluster.stop()
    return [replace(figure, name=f"{figure.name}, PostgreSQL") for figure in figures]

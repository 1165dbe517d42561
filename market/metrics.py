"""What this process counts and times, for Prometheus. Every label has few values: no ids, no addresses, no words.

What is read from database and engine at the moment of asking is in monitoring.py.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # seconds
_SLOW = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)

requests = Counter("qiao_requests_total", "Requests by operation and status.", ["operation", "status"])
request_seconds = Histogram("qiao_request_seconds", "Time to answer, by operation.", ["operation"], buckets=_FAST)

jobs = Counter("qiao_jobs_total", "Jobs run, by name and result.", ["name", "result"])
job_seconds = Histogram(
    "qiao_job_seconds",
    "Time from the start of a batch of jobs of one name to its commit.",
    ["name"],
    buckets=_SLOW,
)

engine_seconds = Histogram(
    "qiao_engine_seconds", "Time the search engine takes, by operation.", ["operation"], buckets=_FAST
)
engine_errors = Counter("qiao_engine_errors_total", "Calls of the search engine that failed.", ["operation", "error"])

embedder_seconds = Histogram("qiao_embedder_seconds", "Time the embedder takes for a call.", buckets=_SLOW)
embedder_errors = Counter("qiao_embedder_errors_total", "Calls of the embedder that failed.", ["error"])

matches = Counter("qiao_matches_total", "Matches newly found, by the kind of what was offered.", ["kind"])
notifications = Counter("qiao_notifications_total", "Rows newly written to inboxes, by kind.", ["kind"])
deliveries = Counter(
    "qiao_deliveries_total", "Attempts to send a message, by channel and outcome.", ["channel", "outcome"]
)
delivery_seconds = Histogram(
    "qiao_delivery_seconds", "Time one attempt to send a message takes, by channel.", ["channel"], buckets=_SLOW
)
streams = Gauge("qiao_streams", "Live connections that are open in this process.")

_build = Gauge("qiao_build_info", "Always 1; the labels say what is running.", ["version", "python"])


def _version() -> str:
    try:
        return version("qiao")
    except PackageNotFoundError:  # run from sources that were never installed
        return "unknown"


_build.labels(_version(), platform.python_version()).set(1)

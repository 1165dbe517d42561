"""The counters and histograms of this process, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

requests = Counter("qiao_requests_total", "Requests by operation and status.", ["operation", "status"])
request_seconds = Histogram(
    "qiao_request_seconds",
    "Time to answer, by operation.",
    ["operation"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
jobs = Counter("qiao_jobs_total", "Jobs run, by name and result.", ["name", "result"])

# The service's image: web, worker and every `market` command. docker-compose.yml runs it on servers,
# docker-compose.embedded.yml alone. Behind a mirror: --build-arg PIP_INDEX_URL=...
FROM python:3.13-slim-trixie AS build
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/qiao
# Dependencies first: they change less often than the code. Every package has a wheel, so no compiler is needed.
COPY requirements/run.txt requirements/
RUN /opt/qiao/bin/pip install --require-hashes --only-binary :all: -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY market market/
COPY search search/
COPY schemas schemas/
# What installs packages has no business in a running service.
RUN /opt/qiao/bin/pip install --no-deps --no-build-isolation . \
    && /opt/qiao/bin/pip uninstall --yes setuptools pip

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="Qiao 桥" \
      org.opencontainers.image.description="A technology-transfer marketplace backend: outcomes, experts, demands" \
      org.opencontainers.image.version="0.1.0"
# One Chinese font, for the labels of charts as PNG.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 qiao \
    && useradd --uid 10001 --gid qiao --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin qiao \
    && install -d -o qiao -g qiao -m 0700 /data
COPY --from=build /opt/qiao /opt/qiao
WORKDIR /app
COPY fixtures fixtures/
# The host is the container's own network: what is published is for the compose file to say.
ENV PATH=/opt/qiao/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MARKET_DATA=/data MARKET_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["market"]
CMD ["serve"]

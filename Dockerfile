# Crypto Sentinel in a container: docker build --tag crypto-sentinel .
#   --build-arg LOCK=requirements-cloud.lock   with Firestore, BigQuery, Secret Manager and PostgreSQL
#   --build-arg BASE=…                         another base; pin it by a digest that you looked up yourself

ARG BASE=docker.io/library/python:3.11.15-slim-bookworm

FROM ${BASE} AS builder
ARG LOCK=requirements.lock
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    NUMBA_CPU_NAME=generic

# Debian serves one version of it at a time, so that there is none to pin.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY ${LOCK} ./
RUN python -m venv --without-pip /opt/sentinel \
 && python -m pip --python /opt/sentinel/bin/python install --no-compile --only-binary :all: --require-hashes -r "${LOCK}"
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY deploy/container/slim.sh deploy/container/warm.sh ./
RUN python -m pip --python /opt/sentinel/bin/python install --no-compile --no-deps --no-build-isolation . \
 && python -m pip --python /opt/sentinel/bin/python uninstall --yes flit-core \
 && ./slim.sh /opt/sentinel \
 && ./warm.sh /opt/sentinel \
 && chmod -R a+rX,go-w /opt/sentinel

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Crypto Sentinel" \
      org.opencontainers.image.description="Trading setups for crypto and US stocks, announced in Discord and followed to their end." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Here nobody installs anything, and nobody becomes somebody else.
RUN python -m pip uninstall --yes pip setuptools wheel \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && useradd --uid 1000 --user-group --home-dir /state --shell /usr/sbin/nologin sentinel \
 && install --directory --owner sentinel --group sentinel --mode 0750 /state
COPY --from=builder /opt/sentinel /opt/sentinel

ENV PATH=/opt/sentinel/bin:$PATH \
    NUMBA_CPU_NAME=generic \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SENTINEL_HOME=/state \
    XDG_CACHE_HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib
VOLUME /state
WORKDIR /state
USER 1000:1000
EXPOSE 8080

# For serve. It waits for longer than a run may take, so that a container that ends after one run is never unhealthy.
HEALTHCHECK --interval=60s --timeout=10s --start-period=600s --retries=3 \
  CMD ["python", "-m", "crypto_signals.scripts.alive"]
ENTRYPOINT ["sentinel"]
CMD ["serve"]

# Upboard in a container: small, not root, nothing written but /data and /tmp. docs/serve.md says how to run it.
FROM python:3.12-slim

# No bytecode and no pip cache in the layers; what the server says is seen at once.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /upboard

# The lock first: code changes more often than what it needs.
COPY requirements.lock .
RUN pip install --requirement requirements.lock

COPY dashboard.py .
COPY .streamlit .streamlit
COPY loaders loaders
COPY metrics metrics
COPY pages pages
COPY data/settings.toml data/settings.toml
COPY LICENSE .

# Every file that is kept lies in /data: warehouse, journal, settings, users. /tmp may be in memory.
RUN groupadd --system --gid 10001 upboard \
    && useradd --system --uid 10001 --gid upboard --home-dir /tmp --shell /usr/sbin/nologin upboard \
    && install --directory --owner upboard --group upboard --mode 0750 /data
ENV HOME=/tmp \
    UPBOARD_WAREHOUSE=/data/warehouse \
    UPBOARD_SETTINGS=/data/settings.toml \
    UPBOARD_USERS=/data/users.toml
VOLUME /data
# By number, so that an orchestrator can check that it is not root.
USER 10001:10001
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]

# Hosts and proxies are named where it is run: docker run ... upboard --hosts upboard.example.com --proxy 172.18.0.0/16
ENTRYPOINT ["python", "-m", "pages", "serve", "--address", "0.0.0.0", "--port", "8501"]

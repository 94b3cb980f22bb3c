# One image, one process: `relance run`. Everything it keeps lies in /var/lib/relance: relance.toml, the
# database (unless it is a PostgreSQL), and the signing key. Mount a volume there, and back all three up.
#
#   docker build -t relance .
#   docker run --rm -v relance:/var/lib/relance -e RELANCE_INSTALLATION=relance relance init
#   docker run -d --name relance --stop-timeout 90 -v relance:/var/lib/relance -e RELANCE_IMAP_PASSWORD \
#     -e RELANCE_INSTALLATION=relance relance      # a new container is the same installation; a clone is not

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/dev.lock
RUN python -m venv /opt/relance \
 && /opt/relance/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.lock
COPY . .
# Trained by the locked releases, so the image reads mails exactly as the tests did.
RUN /opt/build/bin/python -m build --wheel --no-isolation \
 && /opt/relance/bin/pip install --no-cache-dir --no-index --no-deps dist/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/relance --create-home relance
COPY --from=build /opt/relance /opt/relance
ENV PATH=/opt/relance/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RELANCE_CONFIG=/var/lib/relance/relance.toml
USER relance
WORKDIR /var/lib/relance
VOLUME /var/lib/relance
# SIGTERM ends the work in hand and stops; a delivery that was cut short is settled at the next start.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5m --timeout=1m --start-period=1m CMD ["relance", "doctor"]
ENTRYPOINT ["relance"]
CMD ["run"]

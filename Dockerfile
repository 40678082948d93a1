# One image for web, worker, beat, log and the one-shot commands: docker compose says which.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/archive
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN /opt/archive/bin/pip install --require-hashes --only-binary :all: -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY docs/panduan docs/panduan
COPY archive_service archive_service
COPY tasks tasks
RUN /opt/archive/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
# docker-compose.yml runs it as whoever owns the key files; this user is for `docker run` alone
RUN useradd --system --uid 10001 --user-group --no-create-home archive
# a named volume takes its mode from here: whoever runs the containers writes to it
RUN install -d -m 1777 /var/lib/archive/uploads
COPY --from=build /opt/archive /opt/archive
ENV PATH=/opt/archive/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ARCHIVE_HOST=0.0.0.0
USER archive
WORKDIR /tmp
EXPOSE 8601
CMD ["archive-service", "web"]

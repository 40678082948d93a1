"""``python -m servers COMMAND …``: run a command beside a PostgreSQL, a Redis and an S3 server of its own, named in its environment."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from servers.postgres import PostgresServer
from servers.processes import StartFailed
from servers.redis import RedisServer
from servers.s3 import S3Access, start_s3


def start_servers(stack: ExitStack) -> tuple[dict[str, str], S3Access]:
    """Start all three, to be stopped with ``stack``: the settings that name them, and the S3 server. StartFailed when one does not."""
    folder = tempfile.mkdtemp(prefix="archive-s3-")
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    postgres, redis = stack.enter_context(PostgresServer()), stack.enter_context(RedisServer())
    s3 = stack.enter_context(start_s3(Path(folder)))
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE archive")
    settings = {
        "ARCHIVE_MIGRATION_DATABASE": postgres.url_of("archive"),
        "ARCHIVE_DATABASE": postgres.url_of("archive", "archive_app", secrets.token_hex(16)),
        "ARCHIVE_REDIS_URL": redis.url,
        "ARCHIVE_S3_ENDPOINT": s3.endpoint,
        "ARCHIVE_S3_BUCKET": "archive",
        "ARCHIVE_S3_ACCESS_KEY": s3.access_key,
        "ARCHIVE_S3_SECRET_KEY": s3.secret_key,
    }
    return settings, s3


def main(command: list[str]) -> int:
    """The command's exit status; the servers and their data go with it."""
    if not command:
        print("usage: python -m servers COMMAND [ARGUMENT …]", file=sys.stderr)
        return 2
    with ExitStack() as stack:
        print("Starting PostgreSQL, Redis and S3 on this machine …", flush=True)
        try:
            settings, _ = start_servers(stack)
        except StartFailed as exc:
            print(exc, file=sys.stderr)
            return 1
        child = subprocess.Popen(command, env={**os.environ, **settings})
        # Ctrl-C reaches the command too: it ends first, then its servers
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Buckets of a test's own on the S3 server of the run."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from minio import Minio

from archive_service.storage.s3 import S3Store
from servers.s3 import S3Access

# one worker runs all of them, so one server is started for the run
ON_S3 = pytest.mark.xdist_group("s3")


def real_now() -> datetime:
    """The time: a server's locks end by its own clock, which no test sets."""
    return datetime.now(UTC)


def make_store(
    access: S3Access, *, bucket: str | None = None, clock: Callable[[], datetime] = real_now, **changed: Any
) -> S3Store:
    """A store on a bucket that nobody else uses, made ready unless it is named."""
    settings: dict[str, Any] = {
        "endpoint": access.endpoint,
        "access_key": access.access_key,
        "secret_key": access.secret_key,
        "region": "us-east-1",
        **changed,
    }
    store = S3Store(bucket=bucket or new_bucket(), clock=clock, **settings)
    if bucket is None:
        assert store.set_up_bucket()
    return store


def new_bucket() -> str:
    """A name that no bucket has."""
    return f"test-{secrets.token_hex(8)}"


def plain_client(access: S3Access) -> Minio:
    """A client that knows nothing of the store's rules."""
    scheme, _, address = access.endpoint.partition("://")
    return Minio(address, access.access_key, access.secret_key, secure=scheme == "https", region="us-east-1")

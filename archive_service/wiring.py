"""``build(settings)``: the archive that services are given, on the components that the settings name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select

from archive_service import clock
from archive_service.archive import Archive
from archive_service.catalog import Catalog
from archive_service.config import Settings
from archive_service.db.event_log import LogContext
from archive_service.db.models import EventRow
from archive_service.db.session import Database
from archive_service.domain.event import SALT_BYTES, parse_event
from archive_service.domain.ids import RANDOM_BYTES, make_id
from archive_service.errors import InvalidInput, LogIntegrityError, Unavailable
from archive_service.signing import load_or_create, named
from archive_service.storage.base import ObjectStore
from archive_service.storage.folder import FolderStore
from archive_service.storage.s3 import S3Store


def build(settings: Settings, *, evidence_clock: Callable[[], datetime] | None = None) -> Archive:
    """The archive in ``settings.data_dir``, made when it is not there.

    Unavailable when the folder cannot be used; LogIntegrityError when the configured origin is not the one that the log began with.
    """
    try:
        for folder in ("keys", "store"):
            (settings.data_dir / folder).mkdir(parents=True, exist_ok=True)
        (settings.data_dir / "keys").chmod(0o700)
        log_private = load_or_create(settings.data_dir / "keys" / "log.pem")
        receipt_private = load_or_create(settings.data_dir / "keys" / "receipt.pem")
    except OSError as exc:
        raise Unavailable(
            "data_dir_unusable",
            f"Cannot write to {settings.data_dir}: {exc.strerror}. Choose a folder with ARCHIVE_DATA_DIR.",
        ) from exc
    public = log_private.public_key().public_bytes_raw()
    origin = settings.log_origin or f"archive.local/{sha256(public).hexdigest()[:8]}"
    db = Database(settings.database_url)
    db.create_schema()
    _require_same_origin(db, origin)
    now = evidence_clock or clock.system_now
    return Archive(
        settings=settings,
        db=db,
        store=_make_store(settings),
        catalog=Catalog(),
        log=LogContext(
            origin=origin,
            clock=now,
            make_id=lambda: make_id(now(), secrets.token_bytes(RANDOM_BYTES)),
            make_salt=lambda: secrets.token_bytes(SALT_BYTES),
        ),
        log_key=named(log_private, origin),
        receipt_key=named(receipt_private, f"{origin}/receipt"),
        timer=clock.system_now,
        make_secret=secrets.token_bytes,
    )


def build_for_audit(settings: Settings) -> Archive:
    """The archive in a data folder under the origin that its log began with, whatever the environment says."""
    db = Database(settings.database_url)
    with db.read() as session:
        data = session.execute(select(EventRow.data).order_by(EventRow.at).limit(1)).scalar_one_or_none()
    db.close()
    if data is None:
        return build(settings)
    return build(settings.model_copy(update={"log_origin": parse_event(data).origin}))


def connect_s3(settings: Settings) -> S3Store:
    """The S3 store of the settings, whatever state its bucket is in; InvalidInput ``bad_settings`` when none is set."""
    if settings.s3_endpoint is None or settings.s3_access_key is None or settings.s3_secret_key is None:
        raise InvalidInput(
            "bad_settings",
            "No object store is set: ARCHIVE_S3_ENDPOINT, ARCHIVE_S3_ACCESS_KEY and ARCHIVE_S3_SECRET_KEY name one.",
        )
    return S3Store(
        endpoint=settings.s3_endpoint,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        clock=clock.system_now,
    )


def _make_store(settings: Settings) -> ObjectStore:
    if settings.s3_endpoint is None:
        return FolderStore(settings.data_dir / "store", clock.system_now)
    store = connect_s3(settings)
    store.require_ready()
    return store


def _require_same_origin(db: Database, origin: str) -> None:
    with db.read() as session:
        data = session.execute(select(EventRow.data).order_by(EventRow.at).limit(1)).scalar_one_or_none()
    if data is not None and parse_event(data).origin != origin:
        raise LogIntegrityError(
            "origin_changed",
            f"This archive's log began as {parse_event(data).origin}, not {origin}: set ARCHIVE_LOG_ORIGIN back, or give the key back.",
        )

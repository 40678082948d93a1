"""``build(settings)``: the archive that services are given, on the components that the settings name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from archive_service import clock, signing
from archive_service.archive import Archive
from archive_service.catalog import Catalog
from archive_service.config import Settings
from archive_service.db import schema
from archive_service.db.event_log import LogContext
from archive_service.db.models import EventRow
from archive_service.db.session import Database
from archive_service.domain.event import SALT_BYTES, parse_event
from archive_service.domain.ids import RANDOM_BYTES, make_id
from archive_service.domain.policy import Policy, parse_policy
from archive_service.errors import InvalidInput, LogIntegrityError, Unavailable
from archive_service.signing import SigningKey
from archive_service.storage.base import ObjectStore
from archive_service.storage.folder import FolderStore
from archive_service.storage.s3 import S3Store

DEMO_CLOCK = "demo-clock.json"
ORIGIN_FILE = "origin"
"""Where an embedded archive keeps its log's name once the key that gave it has been changed."""
FORMER_LOG_KEY = "log-former.pem"
"""Where an embedded archive keeps the log's key before this one, for as long as both sign."""


def build(settings: Settings, *, evidence_clock: Callable[[], datetime] | None = None) -> Archive:
    """The archive that the settings name. An embedded one is made when it is not there; PostgreSQL and S3 are set up by their own commands.

    Unavailable when a component cannot be used; LogIntegrityError when the configured origin is not the one that the log began with.
    """
    log_key, receipt_key = _load_keys(settings)
    origin = settings.log_origin or log_key.verifier_key.name
    if origin != log_key.verifier_key.name:
        raise InvalidInput("origin_differs", f"ARCHIVE_LOG_ORIGIN is {origin}, the log's key is {log_key.vkey}.")
    store = _make_store(settings)
    db = Database(settings.database_url)
    try:
        if settings.database is None:
            schema.upgrade(db)
        else:
            schema.require_current(db)
            schema.require_modest_role(db)
        _require_same_origin(db, origin)
        former = _former_log_keys(settings, db, log_key)
        policy = _read_policy(settings)
    except BaseException:
        db.close()
        raise
    now = evidence_clock or choose_clock(settings)
    return Archive(
        settings=settings,
        db=db,
        store=store,
        catalog=Catalog(),
        log=LogContext(
            origin=origin,
            clock=now,
            make_id=lambda: make_id(now(), secrets.token_bytes(RANDOM_BYTES)),
            make_salt=lambda: secrets.token_bytes(SALT_BYTES),
        ),
        log_key=log_key,
        receipt_key=receipt_key,
        timer=clock.system_now,
        make_secret=secrets.token_bytes,
        former_log_keys=former,
        policy=policy,
    )


def _former_log_keys(settings: Settings, db: Database, current: SigningKey) -> tuple[SigningKey, ...]:
    """The other keys that the log's own events name as its keys; with the private one of them that a file holds, for an overlap."""
    with db.read() as session:
        rows = session.execute(
            select(EventRow.data)
            .where(EventRow.stream == "service", EventRow.type == "key.registered")
            .order_by(EventRow.seq)
        ).scalars()
        registered = [e.payload for e in map(parse_event, rows)]
    vkeys = [p["vkey"] for p in registered if p["purpose"] == "log" and p["vkey"] != current.vkey]
    keys = [signing.published(vkey, None) for vkey in dict.fromkeys(vkeys)]
    path = settings.former_log_key_file
    if path is None and settings.log_vkey is None:
        path = settings.data_dir / "keys" / FORMER_LOG_KEY
        path = path if path.is_file() else None
    if path is None or current.private_key is None:
        return tuple(keys)
    try:
        private_key = signing.load(path)
    except OSError as exc:
        raise InvalidInput("key_unreadable", f"Cannot read the key file {path}: {exc.strerror}.") from exc
    public = private_key.public_key().public_bytes_raw()
    return tuple(SigningKey(private_key, k.verifier_key) if k.verifier_key.public_key == public else k for k in keys)


def _read_policy(settings: Settings) -> Policy | None:
    if settings.witness_policy is None:
        return None
    try:
        return parse_policy(settings.witness_policy.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise InvalidInput(
            "bad_policy",
            f"The witness policy {settings.witness_policy} is not usable: {exc}. Mend ARCHIVE_WITNESS_POLICY.",
        ) from exc


def choose_clock(settings: Settings) -> Callable[[], datetime]:
    """The clock that evidence carries: the machine's, or the demo's."""
    return demo_clock(settings).now if settings.demo else clock.system_now


def demo_clock(settings: Settings) -> clock.DemoClock:
    """The clock that all processes of a demo share."""
    return clock.DemoClock(settings.data_dir / DEMO_CLOCK)


def _load_keys(settings: Settings) -> tuple[SigningKey, SigningKey]:
    if settings.log_vkey is not None and settings.receipt_vkey is not None:
        return (
            signing.published(settings.log_vkey, settings.log_key_file),
            signing.published(settings.receipt_vkey, settings.receipt_key_file),
        )
    folder = settings.data_dir / "keys"
    log_file, receipt_file = (
        settings.log_key_file or folder / "log.pem",
        settings.receipt_key_file or folder / "receipt.pem",
    )
    _make_folder(settings, folder, mode=0o700)
    try:
        log_private, receipt_private = signing.load_or_create(log_file), signing.load_or_create(receipt_file)
    except OSError as exc:
        raise _unusable(settings, exc) from exc
    public = log_private.public_key().public_bytes_raw()
    kept = folder / ORIGIN_FILE
    named_so = kept.read_text(encoding="ascii").strip() if kept.is_file() else None
    origin = settings.log_origin or named_so or f"archive.local/{sha256(public).hexdigest()[:8]}"
    return signing.named(log_private, origin), signing.named(receipt_private, f"{origin}/receipt")


def _make_folder(settings: Settings, folder: Path, mode: int | None = None) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if mode is not None:
            folder.chmod(mode)
    except OSError as exc:
        raise _unusable(settings, exc) from exc


def _unusable(settings: Settings, exc: OSError) -> Unavailable:
    return Unavailable(
        "data_dir_unusable",
        f"Cannot write to {settings.data_dir}: {exc.strerror}. Choose a folder with ARCHIVE_DATA_DIR.",
    )


def build_for_audit(settings: Settings) -> Archive:
    """The archive in a data folder under the origin that its log began with, whatever the environment says."""
    db = Database(settings.database_url)
    began_as = _first_origin(db) if settings.database is not None or _holds_tables(db) else None
    db.close()
    return build(settings if began_as is None else settings.model_copy(update={"log_origin": began_as}))


def _holds_tables(db: Database) -> bool:
    with db.read() as session:
        return schema.current_version(session.connection()) is not None


def _first_origin(db: Database) -> str | None:
    # the service's stream is the first that anything is written to
    with db.read() as session:
        data = session.execute(
            select(EventRow.data).where(EventRow.stream == "service", EventRow.seq == 0)
        ).scalar_one_or_none()
    return None if data is None else parse_event(data).origin


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
        folder = settings.data_dir / "store"
        _make_folder(settings, folder)
        return FolderStore(folder, clock.system_now)
    store = connect_s3(settings)
    store.require_ready()
    return store


def _require_same_origin(db: Database, origin: str) -> None:
    began_as = _first_origin(db)
    if began_as is not None and began_as != origin:
        raise LogIntegrityError(
            "origin_changed",
            f"This archive's log began as {began_as}, not {origin}: set ARCHIVE_LOG_ORIGIN back, or give the key back.",
        )

"""What services are given: a dataclass, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from archive_service.catalog import Catalog
from archive_service.config import Settings
from archive_service.db.event_log import LogContext
from archive_service.db.session import Database
from archive_service.domain.policy import Policy
from archive_service.signing import SigningKey
from archive_service.storage.base import ObjectStore


@dataclass(frozen=True)
class Archive:
    """The running archive: database, object store, definitions, log context, keys and clocks.

    ``former_log_keys`` are those that the log signed with before, oldest first; ``policy`` names the witnesses that are asked.
    ``log.clock`` gives the time that evidence carries (a demo moves it); ``timer`` gives real time, for leases and schedules.
    """

    settings: Settings
    db: Database
    store: ObjectStore
    catalog: Catalog
    log: LogContext
    log_key: SigningKey
    receipt_key: SigningKey
    timer: Callable[[], datetime]
    make_secret: Callable[[int], bytes]
    former_log_keys: tuple[SigningKey, ...] = ()
    policy: Policy | None = None

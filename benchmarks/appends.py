"""Events: how fast they are written, and how fast they are numbered."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import insert

from archive_service import wiring
from archive_service.archive import Archive
from archive_service.cli.production import make_keys
from archive_service.config import load_settings
from archive_service.db.event_log import open_streams
from archive_service.db.models import LogPendingRow
from archive_service.services import log
from archive_service.services.actor import RULES
from benchmarks.stack import Bench, run_sql
from benchmarks.uploads import rate

EACH = 200
PENDING = 100_000


@contextmanager
def archive_of(bench: Bench) -> Iterator[Archive]:
    """The bench's archive in this process."""
    keys = make_keys(bench.stack.settings.data_dir / "keys", bench.stack.settings.log_origin or "")
    settings = load_settings(
        data_dir=bench.stack.settings.data_dir,
        log_origin=bench.stack.settings.log_origin,
        demo=True,
        log_vkey=keys.log_vkey,
        receipt_vkey=keys.receipt_vkey,
    )
    archive = wiring.build(settings)
    try:
        yield archive
    finally:
        archive.db.close()


def measure_appends(bench: Bench) -> None:
    """Event appends a second with 1, 8 and 16 writers on different dossiers / plain one-row commits."""
    run_sql(bench.owner_url, "create table if not exists plain_event (id text primary key, data bytea)")
    with archive_of(bench) as archive:

        def append(_: int) -> None:
            dossier = archive.log.make_id()
            stream = f"after:{dossier}"
            facts = {"dossier": dossier, "result": "intact", "documents": 0, "failed": []}
            for _ in range(EACH):
                with archive.db.write() as session:
                    writer = open_streams(session, archive.log, [stream])
                    writer.append(stream, "fixity.checked", RULES, facts)

        def plain(_: int) -> None:
            with psycopg.connect(bench.owner_url) as connection:
                for _ in range(EACH):
                    connection.execute("insert into plain_event values (%s, %s)", (secrets.token_hex(16), b"x" * 800))
                    connection.commit()

        append(0)
        for writers in (1, 8, 16):
            ours, theirs = rate(append, writers, EACH), rate(plain, writers, EACH)
            print(
                f"event appends, {writers} writers: {ours:.0f}/s; plain one-row commits: {theirs:.0f}/s; ratio {theirs / ours:.1f}"
            )


def measure_sequencing(bench: Bench) -> None:
    """Events sequenced a second; the log process is stopped meanwhile."""
    bench.stack.children["log-keeper"].terminate()
    bench.stack.children["log-keeper"].wait(30)
    with archive_of(bench) as archive:
        while log.sequence_pending(archive):
            pass
        with archive.db.write() as session:
            session.execute(insert(LogPendingRow), [{"leaf_hash": secrets.token_hex(32)} for _ in range(PENDING)])
        started, count = time.perf_counter(), 0
        while done := log.sequence_pending(archive):
            count += done
        seconds = time.perf_counter() - started
    print(f"events sequenced: {count / seconds:.0f}/s ({count} in {seconds:.2f} s; aim 20000/s)")

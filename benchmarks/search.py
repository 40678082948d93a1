"""Search over a great archive: words that everything has, words that little has, both, and an id."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from sqlalchemy import select

from archive_service.db.models import DocumentVersionRow
from archive_service.db.paging import PageRequest
from archive_service.services import search
from benchmarks.crowd import Crowd
from benchmarks.quality import _quickest_seconds, crowd_of
from servers.postgres import PostgresServer
from tests.databases import Cluster

RARE_WORDS = 20_000


def _asked(crowd: Crowd) -> dict[str, Callable[[], object]]:
    archive, reader, clerk = crowd.office.archive, crowd.office.actor("nuraini"), crowd.office.actor("maya")
    page = PageRequest(5)
    with archive.db.read() as session:
        digest = session.execute(select(DocumentVersionRow.digest).limit(1)).scalar_one()
    asked = {
        "a word of every dossier": "pengukuran",
        "two of them": "pengukuran kinerja",
        "a rare word": "langka17",
        "a rare word and a common one": "pengukuran langka17",
        "two common words that never meet": "pengukuran terlambat",
        "the beginning of a word": "peng",
        "a word that is not there": "zzzzzz",
        "a digest": digest[:20],
    }
    found: dict[str, Callable[[], object]] = {}
    for name, query in asked.items():
        for who, actor in (("all units", reader), ("one unit", clerk)):
            found[f"{name}, {who}"] = lambda query=query, actor=actor: search.find(  # type: ignore[misc]
                archive, actor, query=query, page=page
            )
    return found


def measure_search(sizes: tuple[int, ...] = (1_000, 100_000)) -> None:
    """Milliseconds of each search, counts and all kinds included, by the number of dossiers."""
    taken: list[dict[str, float]] = []
    with PostgresServer() as server:
        cluster = Cluster(server.url)
        for size in sizes:
            with crowd_of(cluster, size, size // 10) as crowd:
                started = time.perf_counter()
                entries = search.rebuild(crowd.office.archive)
                with psycopg.connect(crowd.owner_url, autocommit=True) as connection:
                    # copies have the same words: some get words of their own
                    connection.execute(
                        "insert into search_token select 'd:langka' || (id %% %s), id, 'title' from search_entry where kind = 'dossier'",
                        (RARE_WORDS,),
                    )
                    words = connection.execute("select count(*) from search_token").fetchone()
                    connection.execute("vacuum analyze")
                    connection.execute("checkpoint")
                print(
                    f"  {entries} entries with {words[0] if words else 0} words made in {time.perf_counter() - started:.0f} s",
                    flush=True,
                )
                taken.append({name: _quickest_seconds(ask, 10) for name, ask in _asked(crowd).items()})
                for name, seconds in taken[-1].items():
                    print(f"search at {size}, {name}: {seconds * 1000:.1f} ms", flush=True)
    slowest = max(taken[-1].items(), key=lambda item: item[1])
    print(f"search at {sizes[-1]}, slowest: {slowest[0]}, {slowest[1] * 1000:.1f} ms (aim 100)")

"""The archives that benchmarks make: what is measured is what a played archive does."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive_service.db.models import DossierRow
from archive_service.db.tally import read_tally
from archive_service.services import compliance
from benchmarks.crowd import make_crowd
from benchmarks.quality import dashboard
from tests.databases import Cluster
from tests.services.quality_recount import recount


@pytest.mark.full
def test_copies_tell_what_their_events_tell_and_the_real_sweep_runs_over_them(cluster: Cluster, tmp_path: Path) -> None:
    database = cluster.create()
    crowd = make_crowd(database, tmp_path / "var", 560, 60)
    archive = crowd.office.archive
    with archive.db.read() as session:
        assert read_tally(session) == recount(archive, session)
        assert session.execute(select(func.count()).select_from(DossierRow)).scalar_one() == 560 + len(crowd.kinds)
    # the two that were played and copied are late too
    assert compliance.sweep_deadlines(archive) == 60 + 2
    assert compliance.sweep_deadlines(archive) == 0
    with archive.db.read() as session:
        assert read_tally(session) == recount(archive, session)
    for ask in dashboard(crowd).values():
        assert ask()
    archive.db.close()
    cluster.drop(database)

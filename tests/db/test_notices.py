"""Notices and reminders on both databases: an index behind each query, whatever there is besides."""

from __future__ import annotations

from datetime import timedelta

from archive_service.db import notices
from archive_service.db.paging import PageRequest
from archive_service.db.queries import ReadScope
from tests.db.test_quality import plan_of
from tests.office import Office


def test_an_index_is_behind_the_sweeps_and_what_every_page_asks(office: Office) -> None:
    office.play("3")
    now, person = office.clock.now() + timedelta(days=30), office.persons["sari"]
    for index, ask in (
        ("ix_step_run_remind", lambda s: s.execute(notices.due_reminders(now, 50))),
        ("ix_notice_waiting", lambda s: notices.list_waiting_persons(s, now, 100)),
        ("ix_notice_unread", lambda s: notices.count_unread(s, person)),
        ("ix_notice_person", lambda s: notices.page_notices(ReadScope(True), s, person, PageRequest(5), None)),
    ):
        assert index in plan_of(office, ask), index

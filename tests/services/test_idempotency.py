from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from archive_service.archive import Archive
from archive_service.errors import ArchiveError, Conflict, InvalidInput
from archive_service.services.idempotency import (
    ABANDONED_AFTER,
    KEPT_FOR,
    Answer,
    Claim,
    begin_request,
    keep_answer,
    release,
    sweep_idempotency,
)
from tests.office import Office

ANSWER = Answer(201, {"Location": "/here"}, b"done")


def begin(archive: Archive, office: Office, request: bytes = b"asked", key: str = "key") -> Claim | Answer:
    return begin_request(archive, user=office.actor("maya").user, key=key, request=request)


def later(archive: Archive, by: timedelta) -> Archive:
    now = archive.timer()
    return replace(archive, timer=lambda: now + by)


def claimed(archive: Archive, office: Office) -> Claim:
    claim = begin(archive, office)
    assert isinstance(claim, Claim)
    return claim


def test_of_many_at_once_one_does_the_work(office: Office) -> None:
    def attempt(_: int) -> str:
        try:
            return type(begin(office.archive, office)).__name__
        except Conflict as exc:
            return exc.code

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(attempt, range(16)))
    assert results == ["Claim"] + ["request_running"] * 15


def test_the_answer_is_kept_for_a_day(office: Office) -> None:
    keep_answer(office.archive, claimed(office.archive, office), ANSWER)
    assert begin(office.archive, office) == ANSWER
    assert begin(later(office.archive, KEPT_FOR - timedelta(minutes=1)), office) == ANSWER
    assert isinstance(begin(later(office.archive, KEPT_FOR + timedelta(minutes=1)), office), Claim)


def test_another_request_under_the_key_is_refused_even_while_the_first_runs(office: Office) -> None:
    claimed(office.archive, office)
    with pytest.raises(InvalidInput, match="another request"):
        begin(office.archive, office, b"other")


def test_a_released_key_may_try_again(office: Office) -> None:
    release(office.archive, claimed(office.archive, office))
    assert isinstance(begin(office.archive, office, b"other"), Claim)


def test_the_key_of_a_process_that_died_is_taken_over_and_not_given_back_to_it(office: Office) -> None:
    dead = claimed(office.archive, office)
    with pytest.raises(ArchiveError, match="not done"):
        begin(later(office.archive, ABANDONED_AFTER - timedelta(minutes=1)), office)
    alive = begin(later(office.archive, ABANDONED_AFTER + timedelta(minutes=1)), office)
    assert isinstance(alive, Claim)
    keep_answer(office.archive, dead, Answer(200, {}, b"too late"))
    release(office.archive, dead)
    keep_answer(office.archive, alive, ANSWER)
    assert begin(office.archive, office) == ANSWER


def test_the_sweep_deletes_what_was_kept_long_enough(office: Office) -> None:
    keep_answer(office.archive, claimed(office.archive, office), ANSWER)
    assert sweep_idempotency(office.archive) == 0
    assert sweep_idempotency(later(office.archive, KEPT_FOR + timedelta(minutes=1))) == 1
    assert isinstance(begin(office.archive, office), Claim)

"""Verdicts and their clock: pauses, uploads under way, judging again by another calendar; each kept, each verifiable."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.runner import Runner
from archive_service.services import audit, compliance, decisions, reading, uploads
from archive_service.services.work import load_dossier
from archive_service.verifier.verify import VALID, check_bundle
from tests.office import SAMPLES, Office

LATE = "time_norm_passed"
CALENDAR = "calendars/id-government.toml"


def step_of(office: Office, dossier: str, step: str) -> dict[str, Any]:
    told = reading.read_dossier(office.archive, office.actor("maya"), dossier=dossier)
    found: dict[str, Any] = next(s for s in told["steps"] if s["step"] == step)
    return found


def verified(office: Office, dossier: str) -> tuple[str, list[str]]:
    runner = Runner(office.archive)
    for _ in range(100):
        runner.turn()
        try:
            content = reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier)
            break
        except Conflict:
            office.clock.moment += timedelta(seconds=1)
    data = b"".join(content.chunks)
    import io

    report = check_bundle(io.BytesIO(data), len(data), office.archive.log_key.verifier_key)
    return report.verdict, [f"{d.code} {d.place} {d.text}" for d in report.discrepancies]


def pause(office: Office, dossier: str, login: str, **facts: Any) -> str:
    given = {"step": "4", "cause": "outside_party", "reason": "Menunggu data kementerian.", **facts}
    return compliance.grant_pause(office.archive, office.actor(login), dossier=dossier, **given)


def test_paused_time_does_not_count_and_the_bundle_proves_it(office: Office) -> None:
    dossier = office.play("3")
    office.at("2026-03-16T08:00")
    waiting = pause(office, dossier, "hendra")
    shown = step_of(office, dossier, "4")["iterations"][0]
    assert (shown["time"], shown["due_at"], shown["pauses"][0]["cause"]) == ("paused", None, "outside_party")
    office.at("2026-03-25T08:00")
    assert compliance.sweep_deadlines(office.archive) == 0
    compliance.end_pause(office.archive, office.actor("hendra"), dossier=dossier, pause=waiting)
    office.finish(dossier)
    office.turn()
    judged = step_of(office, dossier, "4")["iterations"][0]
    # Friday 270 minutes, nothing of Monday to Wednesday 08.00, 120 of Wednesday from 08.00 to 10.00
    assert (judged["used_seconds"], judged["time"]) == ((270 + 120) * 60, "on_time")
    assert judged["excluded_seconds"] == (390 + 390 + 30) * 60
    assert judged["used_by_day"] == {"2026-03-13": 270 * 60, "2026-03-25": 120 * 60}
    assert verified(office, dossier) == (VALID, [])
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_pause_is_granted_by_the_role_that_the_sop_names_and_never_by_the_performer(lite: Office) -> None:
    dossier = lite.play("3")
    lite.at("2026-03-16T09:00")
    for login, code in (("sari", "not_pause_granter"), ("ratna", "not_pause_granter"), ("wahyu", "role_forbidden")):
        with pytest.raises(Forbidden) as refused:
            pause(lite, dossier, login)
        assert refused.value.code == code
    for facts, code in (
        ({"cause": "laziness"}, "cause_unknown"),
        ({"from_at": "2026-03-12T09:00:00+07:00"}, "pause_outside"),
        ({"from_at": "2026-03-17T09:00:00+07:00"}, "pause_outside"),
        ({"to_at": "2026-03-16T08:00:00+07:00"}, "pause_backwards"),
    ):
        with pytest.raises(InvalidInput) as invalid:
            pause(lite, dossier, "hendra", **facts)
        assert invalid.value.code == code
    with pytest.raises(Conflict) as waiting:
        pause(lite, dossier, "hendra", step="5")
    assert waiting.value.code == "step_waiting"
    with pytest.raises(Conflict) as finished:
        pause(lite, dossier, "ratna", step="3")
    assert finished.value.code == "step_finished"
    stopped = pause(lite, dossier, "hendra")
    with pytest.raises(Conflict) as open_already:
        pause(lite, dossier, "hendra")
    assert open_already.value.code == "pause_open"
    end = {"dossier": dossier, "pause": stopped}
    with pytest.raises(InvalidInput):
        compliance.end_pause(lite.archive, lite.actor("hendra"), **end, to_at="2026-03-16T08:00:00+07:00")
    with pytest.raises(NotFound):
        compliance.end_pause(lite.archive, lite.actor("hendra"), dossier=dossier, pause=dossier)
    lite.at("2026-03-16T11:00")
    compliance.end_pause(lite.archive, lite.actor("hendra"), **end)
    with pytest.raises(Conflict) as over:
        compliance.end_pause(lite.archive, lite.actor("hendra"), **end)
    assert over.value.code == "pause_over"


def test_nobody_pauses_a_step_that_they_answer_for_in_another_role(lite: Office) -> None:
    from archive_service.services import people

    people.assign_role(
        lite.archive,
        lite.actor("admin"),
        person=lite.persons["sari"],
        role="section_head",
        work_unit=lite.unit,
        from_on="2026-01-01",
    )
    dossier = lite.play("3")
    lite.at("2026-03-16T09:00")
    with pytest.raises(Forbidden) as own:
        pause(lite, dossier, "sari")
    assert own.value.code == "own_pause"


def test_a_pause_granted_later_relieves_a_deviation_that_was_recorded_already(lite: Office) -> None:
    dossier = lite.play("3")
    lite.at("2026-03-25T09:00")
    assert compliance.sweep_deadlines(lite.archive) == 1
    pause(lite, dossier, "hendra", from_at="2026-03-16T08:00:00+07:00", to_at="2026-03-25T08:00:00+07:00")
    lite.finish(dossier)
    lite.turn()
    assert lite.find_deviation(dossier, LATE).state == "relieved"
    assert verified(lite, dossier) == (VALID, [])


def test_an_upload_counts_at_the_start_of_the_session_in_which_it_was_completed(lite: Office) -> None:
    lite.at("2026-03-13T09:10")
    dossier = lite.open()
    entry = lite.samples[("1", 1)][0]
    data = (SAMPLES / entry["file"]).read_bytes()

    def slowly() -> Iterator[bytes]:
        yield data[:1000]
        lite.at("2026-03-13T09:45")
        yield data[1000:]

    lite.at("2026-03-13T09:28")
    uploads.receive_document(
        lite.archive,
        lite.actor("ratna"),
        dossier=dossier,
        step="1",
        kind=entry["kind"],
        file_name=entry["file"],
        chunks=slowly(),
    )
    decisions.submit_step(lite.archive, lite.actor("ratna"), dossier=dossier, step="1")
    lite.turn()
    judged = step_of(lite, dossier, "1")["iterations"][0]
    # 45 minutes from the letter's receipt at 09.00, of which 17 the bytes were on their way
    assert (judged["used_seconds"], judged["excluded_seconds"], judged["time"]) == (28 * 60, 17 * 60, "on_time")
    told = reading.read_dossier(lite.archive, lite.actor("maya"), dossier=dossier)["documents"][0]
    assert (told["begun_at"][:16], told["received_at"][:16]) == ("2026-03-13T02:28", "2026-03-13T02:45")


def closed_on(day: str) -> list[dict[str, Any]]:
    import datetime

    known = tomllib.loads((SAMPLES.parent / CALENDAR).read_text(encoding="utf-8"))["closed_days"]
    added = {
        "on": datetime.date.fromisoformat(day),
        "kind": "joint_leave",
        "status": "decreed",
        "decree": "SKB 1/2026",
        "title": "Cuti Bersama tambahan",
    }
    return [*known, added]


def test_judging_again_gives_a_second_verdict_beside_the_first(office: Office) -> None:
    dossier = office.play("5")
    office.turn()
    office.explain(dossier, "sari", LATE)
    with pytest.raises(Conflict) as same:
        compliance.judge_again(office.archive, office.actor("nuraini"), dossier=dossier, reason="Uji")
    assert same.value.code == "calendar_same"
    office.register(CALENDAR, version=2, closed_days=closed_on("2026-03-17"))
    with pytest.raises(Forbidden):
        compliance.judge_again(office.archive, office.actor("hendra"), dossier=dossier, reason="Uji")
    digest = compliance.judge_again(
        office.archive, office.actor("nuraini"), dossier=dossier, reason="Cuti bersama 17 Maret ditambahkan."
    )
    first, second = step_of(office, dossier, "4")["iterations"][0]["verdicts"]
    assert (first["result"], first["used_seconds"], first["number"]) == ("late", 1200 * 60, 1)
    assert (second["result"], second["used_seconds"], second["number"]) == ("on_time", 810 * 60, 2)
    assert second["calendar"] == digest != first["calendar"]
    assert office.find_deviation(dossier, LATE).state == "relieved"
    office.at("2026-03-26T15:00")
    office.submit(dossier, "bima", "6")
    office.turn()
    assert [v["calendar"] for v in step_of(office, dossier, "6")["iterations"][0]["verdicts"]] == [digest]
    office._play(dossier, "7", "11", False)
    assert verified(office, dossier) == (VALID, [])
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_sealed_dossier_is_judged_again_beside_its_bundle(lite: Office) -> None:
    dossier = lite.play()
    assert verified(lite, dossier) == (VALID, [])
    newer = lite.register(CALENDAR, version=2, closed_days=closed_on("2026-03-17"))
    actor = lite.actor("nuraini")
    with pytest.raises(NotFound):
        compliance.judge_again(lite.archive, actor, dossier=dossier, reason="Uji", calendar="0" * 64)
    with lite.archive.db.read() as session:
        sop = load_dossier(lite.archive, session, dossier).sop_digest
    with pytest.raises(InvalidInput) as no_calendar:
        compliance.judge_again(lite.archive, actor, dossier=dossier, reason="Uji", calendar=sop)
    assert no_calendar.value.code == "not_a_calendar"
    assert compliance.judge_again(lite.archive, actor, dossier=dossier, reason="SKB dikoreksi") == newer
    with pytest.raises(Conflict):
        compliance.judge_again(lite.archive, actor, dossier=dossier, reason="SKB dikoreksi")
    assert verified(lite, dossier) == (VALID, [])
    assert audit.check_archive(lite.archive).discrepancies == []

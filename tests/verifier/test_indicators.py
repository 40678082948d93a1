"""A bundle with indicators: valid as it is, and found out where an issuer says otherwise than the events tell."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import pytest

from archive_service.domain import canonical, completeness, manifest
from archive_service.verifier.container import open_container
from archive_service.verifier.verify import INVALID, VALID
from tests.bundling.dossier_builder import LOG_KEY, RULES, Builder, Fields, Tamper
from tests.domain.story import make_id
from tests.verifier.forger import check


def listing(b: Builder, code: str, person: str | None) -> None:
    payload = {"code": code, "title": f"Indikator {code}", "unit": "%", "target": "80", "achievement": None}
    b.tell("indicator.set", b.actor("hendra"), {**payload, "person": b.persons.get(person or "")})


def send(b: Builder, login: str, code: str | None, role: str | None = None, step: str = "4") -> None:
    data = f"{login} {code} {b.last_id}".encode()
    b.objects[sha256(data).hexdigest()] = data
    run = b.dossier.running(step)
    assert run is not None
    payload = {
        **{"document": b.make_id(), "version": b.make_id(), "number": 1, "step": step, "iteration": run.iteration},
        **{"kind": "measurement_data", "digest": sha256(data).hexdigest(), "crc32": f"{zlib.crc32(data):08x}"},
        **{"size": len(data), "media_type": "application/pdf", "puid": "fmt/18", "begun_at": b.now, "receipt": None},
        **{"deviation": None, "indicator": code},
    }
    b.tell("document.received", b.actor(login, role), payload, {"file_name": "bukti.pdf"})


def record(b: Builder, login: str, code: str | None, role: str | None = None) -> None:
    run = b.dossier.running("6")
    assert run is not None
    texts = {"recommendation": f"Rekomendasi {code}", "obstacle": None, "follow_up": "Rapat."}
    payload = {"step": "6", "iteration": run.iteration, "code": code, "achievement": "79 %"}
    b.tell("indicator.result_recorded", b.actor(login, role), payload, texts)


def carry(b: Builder) -> str:
    payload = {"from_dossier": make_id(6), "from_event": "ab" * 32, "code": "IKU-1"}
    return b.tell("recommendation.carried", RULES, payload, {"recommendation": "Perbanyak magang."}).leaf_hash


Act = Callable[[Builder], object]


def tell(b: Builder, *, at_4: Act | None = None, at_6: Act | None = None, at_open: Act | None = None) -> Builder:
    """The whole procedure with three indicators, of which one has evidence of a contributor's and one a result."""
    b.set_up()
    b.register("citra", b.actor("admin", "administrator"))
    b.assign("citra", "contributor", b.actor("admin", "administrator"))
    b.at("2026-04-06T09:05")
    with patch.object(b, "start_due"):
        b.open()
    carried = (at_open or carry)(b)
    b.start_due()
    for code, person in (("IKU-1", "citra"), ("IKU-2", "sari"), ("IKU-3", None)):
        listing(b, code, person)
    answer = {"carried": carried, "state": "ongoing"}
    if at_open is None:
        b.tell("recommendation.answered", b.actor("bima"), answer, {"note": "Sedang disusun."})
    for moment, login, step in (("09:20", "ratna", "1"), ("09:30", "ratna", "2"), ("10:00", "hendra", "3")):
        b.at(f"2026-04-06T{moment}")
        b.submit(login, step)
    b.at("2026-04-07T09:00")
    (at_4 or (lambda b: send(b, "citra", "IKU-1", "contributor")))(b)
    # the team's own data are a document of their own, not a new version of the contributor's
    with patch.object(b.dossier, "current_versions", return_value=[]):
        b.upload("sari", "4", "measurement_data")
    b.tell("step.submitted", b.actor("sari"), b.facts("4"))
    b.start_due()
    b.judge()
    acts: list[tuple[str, Act]] = [
        ("2026-04-07T14:00", lambda b: b.submit("sari", "5")),
        ("2026-04-08T09:00", at_6 or (lambda b: record(b, "bima", "IKU-1"))),
        ("2026-04-08T10:00", lambda b: b.submit("bima", "6")),
        ("2026-04-08T14:00", lambda b: b.decide("sari", "7")),
        ("2026-04-09T09:00", lambda b: b.decide("hendra", "8")),
        ("2026-04-09T09:10", lambda b: b.decide("ratna", "9")),
        ("2026-04-09T10:00", lambda b: b.submit("maya", "10")),
        ("2026-04-09T10:10", lambda b: b.seal()),
    ]
    for moment, act in acts:
        b.at(moment)
        act(b)
    return b


def test_a_dossier_with_indicators_is_valid_and_its_statement_and_report_name_them() -> None:
    bundle = tell(Builder()).bundle()
    report = check(bundle, LOG_KEY)
    assert (report.verdict, report.discrepancies) == (VALID, [])
    container = open_container(io.BytesIO(bundle), len(bundle))
    stated = canonical.decode(container.read(manifest.STATEMENT))
    summary = stated["indicators"]
    assert (summary["listed"], summary["with_evidence"], summary["without"]) == (3, 1, ["IKU-2", "IKU-3"])
    assert summary["without_result"] == ["IKU-2", "IKU-3"]
    subjects = [(d["code"], d["subject"]) for d in stated["deviations"] if d["code"].startswith("indicator")]
    assert subjects == [
        *(("indicator_missing", "IKU-2"), ("indicator_missing", "IKU-3")),
        *(("indicator_result_missing", "IKU-2"), ("indicator_result_missing", "IKU-3")),
    ]
    told = container.read(manifest.REPORT).decode()
    for line in (
        "3 indikator didaftarkan, 1 dengan bukti dukung. Tanpa bukti: IKU-2, IKU-3. Tanpa hasil perumusan: IKU-2, IKU-3.",
        "IKU-1 Indikator IKU-1: target 80 %; penanggung jawab Citra; 1 dokumen",
        "Hasil IKU-1 (langkah 6 putaran 1): capaian 79 %",
        "  rekomendasi: Rekomendasi IKU-1",
        "Rekomendasi periode lalu (IKU-1, sedang dilaksanakan): Perbanyak magang. – Sedang disusun.",
        "  [TIDAK ADA] bukti indikator: IKU-2 Indikator IKU-2",
        "  [ada] hasil indikator: IKU-1 Indikator IKU-1",
    ):
        assert line in told.splitlines(), line


def test_a_dossier_without_a_list_says_so() -> None:
    bundle = Builder().play().bundle()
    told = open_container(io.BytesIO(bundle), len(bundle)).read(manifest.REPORT).decode()
    assert "Tidak ada indikator yang didaftarkan: bukti dan capaian per indikator tidak diperiksa." in told


def on(type: str, **changes: Any) -> Tamper:
    def tamper(_: Builder, fields: Fields) -> None:
        if fields["type"] == type:
            fields.update(changes)

    return tamper


def recorded_by_the_checker(b: Builder) -> None:
    b.assign("sari", "planning_officer", b.actor("admin", "administrator"))
    record(b, "sari", "IKU-1", "planning_officer")


def carried_by_a_person(b: Builder) -> str:
    payload = {"from_dossier": make_id(6), "from_event": "ab" * 32, "code": None}
    return b.tell("recommendation.carried", b.actor("maya"), payload, {"recommendation": "Magang."}).leaf_hash


def uncounted() -> Builder:
    with patch.object(completeness, "required_of_indicators", lambda *_: []):
        return tell(Builder())


ATTACKS: dict[str, tuple[str, Callable[[], Builder]]] = {
    "a contributor sends for another's indicator": (
        "illegal_move",
        lambda: tell(Builder(), at_4=lambda b: send(b, "citra", "IKU-2", "contributor")),
    ),
    "a contributor sends without an indicator": (
        "illegal_move",
        lambda: tell(Builder(), at_4=lambda b: send(b, "citra", None, "contributor")),
    ),
    "evidence for what is not listed": (
        "illegal_move",
        lambda: tell(Builder(), at_4=lambda b: send(b, "sari", "IKU-9")),
    ),
    "a contributor records a result": (
        "role_forbidden",
        lambda: tell(Builder(), at_6=lambda b: record(b, "citra", "IKU-1", "contributor")),
    ),
    "another than the performer records a result": (
        "illegal_move",
        lambda: tell(Builder(), at_6=lambda b: record(b, "hendra", "IKU-1")),
    ),
    "whoever recorded the results checks them": (
        "duty_conflict",
        lambda: tell(Builder(), at_6=recorded_by_the_checker),
    ),
    "the list is not counted": ("illegal_move", uncounted),
    "the service lists an indicator": ("service_acted", lambda: tell(Builder(on("indicator.set", actor=RULES)))),
    "a person carries a recommendation over": ("person_acted", lambda: tell(Builder(), at_open=carried_by_a_person)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_broken_rule_about_indicators_is_found(name: str) -> None:
    code, story = ATTACKS[name]
    # an issuer who asks nothing before acting, and binds to no count of gaps
    with (
        patch("archive_service.domain.dossier.find_refusal", return_value=None),
        patch("archive_service.domain.dossier.Dossier._require_gaps"),
    ):
        bundle = story().bundle()
    report = check(bundle, LOG_KEY)
    assert report.verdict == INVALID
    assert code in {d.code for d in report.discrepancies}, [d.code for d in report.discrepancies]

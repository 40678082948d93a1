"""Attachments of explanations: from who answers for the deviation, before the explanation that they belong to, until the seal."""

from __future__ import annotations

import pytest

from archive_service import jobs
from archive_service.db import queries
from archive_service.domain.deviation import Deviation
from archive_service.errors import ArchiveError, Conflict, DocumentRefused, Forbidden, NotFound
from archive_service.runner import Runner
from archive_service.services import audit, reading, uploads
from archive_service.services.work import load_dossier
from archive_service.verifier.verify import VALID
from tests.office import SAMPLES, Office, chunks_of
from tests.verifier.forger import check

LATE = "time_norm_passed"
PDF = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()
XLSX = (SAMPLES / "04-data-capaian-kinerja.xlsx").read_bytes()


def attach(office: Office, dossier: str, login: str, deviation: Deviation, name: str, data: bytes) -> uploads.Received:
    return uploads.receive_attachment(
        office.archive,
        office.actor(login),
        dossier=dossier,
        deviation=deviation.id,
        file_name=name,
        chunks=chunks_of(data),
    )


def late(office: Office) -> tuple[str, Deviation]:
    dossier = office.play("4")
    office.turn()
    return dossier, office.find_deviation(dossier, LATE)


def test_attachments_belong_to_the_explanation_that_follows_and_are_bundled(office: Office) -> None:
    dossier, deviation = late(office)
    first = attach(office, dossier, "sari", deviation, "surat.pdf", PDF)
    second = attach(office, dossier, "sari", deviation, "data.xlsx", XLSX)
    assert first.document != second.document and first.receipt_note
    assert office.explain(dossier, "sari", LATE, "Lihat lampiran.") == 1
    office.answer(dossier, "hendra", LATE, 1, "Lampirkan jadwalnya.")
    third = attach(office, dossier, "sari", deviation, "jadwal.pdf", PDF)
    assert office.explain(dossier, "sari", LATE, "Terlampir.") == 2
    found = reading.read_dossier(office.archive, office.actor("hendra"), dossier=dossier)
    told = next(d for d in found["deviations"] if d["deviation"] == deviation.id)
    assert [e["attachments"] for e in told["explanations"]] == [[first.version, second.version], [third.version]]
    listed = [d for d in found["documents"] if d["kind"] == "attachment"]
    assert [d["deviation"] for d in listed] == [deviation.id] * 3
    # they are nobody's output, and whoever sends them performs no step by it
    assert not any(d["step"] != "4" for d in listed)
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
    assert state.current_versions("4", "attachment") == []
    assert audit.check_archive(office.archive, with_objects=True).discrepancies == []


def test_a_bundle_with_attachments_is_valid_and_names_them(lite: Office) -> None:
    dossier, deviation = late(lite)
    sent = attach(lite, dossier, "sari", deviation, "surat.pdf", PDF)
    lite.explain(dossier, "sari", LATE, "Lihat lampiran.")
    lite.finish(dossier, "5")
    with pytest.raises(Conflict) as sealed:
        attach(lite, dossier, "sari", deviation, "surat.pdf", PDF)
    assert sealed.value.code == "dossier_sealed" and "words alone" in sealed.value.detail
    data = bundle_of(lite, dossier)
    report = check(data, lite.archive.log_key)
    assert report.verdict == VALID, report.lines("en")
    assert b"s4-i1-attachment-01-v1.pdf" in data
    assert f"  lampiran sha256 {sent.digest}".encode() in data


def bundle_of(office: Office, dossier: str) -> bytes:
    runner = Runner(office.archive)
    for _ in range(200):
        runner.turn()
        try:
            return b"".join(reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier).chunks)
        except Conflict:
            continue
    raise AssertionError("no bundle")


def test_who_does_not_answer_for_it_attaches_nothing(lite: Office) -> None:
    dossier, deviation = late(lite)
    refusals: list[tuple[str, type[ArchiveError], str]] = [
        ("maya", Forbidden, "not_responsible"),
        ("hendra", Forbidden, "not_responsible"),
        ("wahyu", Forbidden, "role_forbidden"),
        ("nuraini", Forbidden, "role_forbidden"),
    ]
    for login, error, code in refusals:
        with pytest.raises(error) as refused:
            attach(lite, dossier, login, deviation, "surat.pdf", PDF)
        assert refused.value.code == code
    with pytest.raises(NotFound) as unknown:
        uploads.receive_attachment(
            lite.archive,
            lite.actor("sari"),
            dossier=dossier,
            deviation="0" * 32,
            file_name="a.pdf",
            chunks=[PDF],
        )
    assert unknown.value.code == "deviation_unknown"
    with pytest.raises(DocumentRefused) as program:
        attach(lite, dossier, "sari", deviation, "catatan.txt", b"halo")
    assert program.value.code in ("kind_not_accepted", "kind_unknown")
    lite.explain(dossier, "sari", LATE)
    with pytest.raises(Conflict) as explained:
        attach(lite, dossier, "sari", deviation, "surat.pdf", PDF)
    assert explained.value.code == "deviation_explained"


def test_an_attachment_stays_once_its_explanation_is_given(lite: Office) -> None:
    dossier = lite.play("3")
    lite.at("2026-03-25T10:00")
    lite.turn()
    deviation = lite.find_deviation(dossier, LATE)
    wrong, right = (attach(lite, dossier, "sari", deviation, name, PDF) for name in ("salah.pdf", "surat.pdf"))

    def withdraw(login: str, sent: uploads.Received) -> None:
        uploads.withdraw_document(
            lite.archive, lite.actor(login), dossier=dossier, version=sent.version, reason="Salah berkas."
        )

    withdraw("sari", wrong)
    with pytest.raises(Conflict) as others:
        withdraw("agus", right)
    assert others.value.code == "attachment_stays"
    lite.explain(dossier, "sari", LATE, "Lihat lampiran.")
    with pytest.raises(Conflict) as given:
        withdraw("sari", right)
    assert given.value.code == "attachment_stays"
    found = reading.read_dossier(lite.archive, lite.actor("hendra"), dossier=dossier)
    told = next(d for d in found["deviations"] if d["deviation"] == deviation.id)
    assert [e["attachments"] for e in told["explanations"]] == [[right.version]]
    assert audit.check_archive(lite.archive).discrepancies == []


def test_a_damaged_attachment_is_found(lite: Office) -> None:
    dossier, deviation = late(lite)
    sent = attach(lite, dossier, "sari", deviation, "data.xlsx", XLSX + b"")
    with lite.archive.db.read() as session:
        location = queries.find_location(session, dossier, sent.digest)
    assert location is not None
    path = lite.archive.settings.data_dir / "store" / location.key
    path.chmod(0o600)
    path.write_bytes(b"gone")
    now = lite.archive.timer()
    with lite.archive.db.write() as session:
        jobs.enqueue(session, lite.archive.log.make_id, now, "check_fixity", key="f", args={"dossier": dossier})
    lite.turn()
    found = [d for d in states(lite, dossier) if d.code == "document_damaged" and d.subject == sent.digest]
    assert [(d.step, d.iteration, d.role) for d in found] == [("4", 1, "sakip_team")]


def states(office: Office, dossier: str) -> list[Deviation]:
    with office.archive.db.read() as session:
        return load_dossier(office.archive, session, dossier).deviations

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest
from sqlalchemy import func, select

from archive_service.db.models import EventRow, JobRow, LocationRow
from archive_service.domain import note
from archive_service.domain.receipt import parse_receipt
from archive_service.errors import ArchiveError, Conflict, DocumentRefused, Forbidden, InvalidInput, NotFound, TooLarge
from archive_service.services import decisions, uploads
from archive_service.services.work import load_dossier, read_dossier_events
from archive_service.verifier import ed25519
from tests.office import SAMPLES, Office, chunks_of

LETTER = SAMPLES / "01-surat-permintaan-laporan.pdf"


def send(office: Office, dossier: str, **changes: object) -> uploads.Received:
    facts: dict[str, object] = {
        "login": "ratna",
        "step": "1",
        "kind": "request_letter",
        "file_name": "surat.pdf",
        "chunks": chunks_of(LETTER.read_bytes()),
        **changes,
    }
    actor = office.actor(str(facts.pop("login")))
    return uploads.receive_document(office.archive, actor, dossier=dossier, **facts)  # type: ignore[arg-type]


def stored(office: Office) -> list[str]:
    return [o.key for o in office.archive.store.list_objects("objects/")]


def last_event_type(office: Office, dossier: str) -> str:
    with office.archive.db.read() as session:
        return read_dossier_events(office.archive, session, dossier)[-1].type


@pytest.fixture
def dossier(office: Office) -> str:
    office.at("2026-03-13T09:10")
    return office.open()


def test_the_answer_is_a_signed_receipt_of_the_recorded_event(office: Office, dossier: str) -> None:
    received = send(office, dossier)
    signed = note.parse_note(received.receipt_note)
    assert note.signed_by(signed, office.archive.receipt_key.verifier_key, ed25519.verify)
    receipt = parse_receipt(signed.text)
    with office.archive.db.read() as session:
        event = read_dossier_events(office.archive, session, dossier)[-1]
    assert (receipt.event_hash, receipt.seq, receipt.stream) == (event.leaf_hash, event.seq, event.stream)
    assert receipt.digest == sha256(LETTER.read_bytes()).hexdigest() == event.payload["digest"]
    assert b"surat.pdf" not in event.data


def test_a_new_upload_is_a_new_version_and_nothing_is_overwritten(office: Office, dossier: str) -> None:
    first = send(office, dossier)
    second = send(office, dossier, document=first.document)
    assert (first.document, first.number, second.document, second.number) == (first.document, 1, first.document, 2)
    assert len(stored(office)) == 2
    with office.archive.db.read() as session:
        state = load_dossier(office.archive, session, dossier)
    assert [v.id for v in state.current_versions("1", "request_letter")] == [second.version]


def test_event_row_location_and_job_come_together(office: Office, dossier: str) -> None:
    received = send(office, dossier)
    with office.archive.db.read() as session:
        location = session.execute(select(LocationRow)).scalar_one()
        job = session.execute(select(JobRow)).scalar_one()
    assert location.digest == received.digest
    assert (job.name, job.idempotency_key) == ("lock_object", f"lock:{location.key}")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"chunks": [b""]}, "file_empty"),
        ({"chunks": [b"MZ" + b"\0" * 2000]}, None),
        ({"chunks": [LETTER.read_bytes()[: LETTER.stat().st_size // 2]]}, "pdf_broken"),
        ({"chunks": [(SAMPLES / "04-data-capaian-kinerja.xlsx").read_bytes()]}, None),
        ({"file_name": "../../etc/passwd"}, "file_name_refused"),
        ({"file_name": "surat\u202efdp.exe"}, "file_name_refused"),
        ({"file_name": "surat\x00.pdf"}, "file_name_refused"),
        ({"file_name": ""}, "file_name_refused"),
    ],
)
def test_a_refused_file_is_an_event_and_nothing_is_stored(
    office: Office, dossier: str, changes: dict[str, object], code: str | None
) -> None:
    with pytest.raises(DocumentRefused) as caught:
        send(office, dossier, **changes)
    assert code is None or caught.value.code == code
    assert stored(office) == []
    with office.archive.db.read() as session:
        event = read_dossier_events(office.archive, session, dossier)[-1]
        state = load_dossier(office.archive, session, dossier)
    assert event.type == "document.refused" and event.payload["code"] == caught.value.code
    assert state.versions == []


def test_too_many_bytes_are_refused_while_they_come(office: Office, dossier: str) -> None:
    from dataclasses import replace

    small = office.archive.settings.model_copy(update={"document_limit_bytes": 1000})
    office.archive = replace(office.archive, settings=small)
    with pytest.raises(TooLarge) as caught:
        send(office, dossier)
    assert caught.value.code == "file_too_large"
    assert stored(office) == [] and last_event_type(office, dossier) == "document.refused"


def test_a_cut_line_leaves_no_trace(office: Office, dossier: str) -> None:
    def cut() -> Iterator[bytes]:
        yield LETTER.read_bytes()[:1000]
        raise ConnectionResetError("the line was cut")

    with office.archive.db.read() as session:
        before = session.execute(select(func.count()).select_from(EventRow)).scalar_one()
    with pytest.raises(ConnectionResetError):
        send(office, dossier, chunks=cut())
    with office.archive.db.read() as session:
        assert session.execute(select(func.count()).select_from(EventRow)).scalar_one() == before
    assert stored(office) == []
    assert not [p for p in (office.archive.settings.data_dir / "store").rglob("*") if p.is_file()]


def test_a_step_that_was_submitted_while_the_bytes_came_refuses_them(office: Office, dossier: str) -> None:
    def slow() -> Iterator[bytes]:
        data = LETTER.read_bytes()
        yield data[:100]
        office.submit(dossier, "ratna", "1")
        yield data[100:]

    with pytest.raises(Conflict) as caught:
        send(office, dossier, chunks=slow())
    assert caught.value.code == "step_finished"
    assert len(stored(office)) == 1, "only the version that was submitted is kept"


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"login": "maya"}, Forbidden, "not_performer"),
        ({"login": "wahyu"}, Forbidden, "role_forbidden"),
        ({"step": "2", "kind": "disposition"}, Conflict, "step_waiting"),
        ({"step": "77"}, NotFound, "step_unknown"),
        ({"kind": "poem"}, InvalidInput, "kind_not_taken"),
        ({"document": "0" * 32}, InvalidInput, "document_unknown"),
        ({"submission": uploads.SubmissionReceipt("a", "b", "c")}, InvalidInput, "receipt_not_taken"),
    ],
)
def test_who_and_where_is_checked_before_a_byte_is_read(
    office: Office, dossier: str, changes: dict[str, object], error: type[ArchiveError], code: str
) -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("a byte was read")
        yield b""

    with pytest.raises(error) as caught:
        send(office, dossier, **{"chunks": never(), **changes})
    assert caught.value.code == code


def test_the_receipt_of_an_upload_elsewhere_names_application_address_and_number(office: Office) -> None:
    dossier = office.play("9")
    office.at("2026-03-31T09:30")
    picture = (SAMPLES / "10-bukti-unggah.png").read_bytes()
    facts: dict[str, object] = {"login": "maya", "step": "10", "kind": "submission_receipt", "file_name": "bukti.png"}
    with pytest.raises(InvalidInput) as caught:
        send(office, dossier, **facts, chunks=[picture])
    assert caught.value.code == "receipt_fields_missing"
    submission = uploads.SubmissionReceipt("e-Kinerja", "https://contoh.example/kinerja", "TRX-2026-11")
    send(office, dossier, **facts, chunks=[picture], submission=submission)
    with office.archive.db.read() as session:
        event = read_dossier_events(office.archive, session, dossier)[-1]
    assert set(event.payload["receipt"]) == {"application_commitment", "address_commitment", "number_commitment"}
    assert b"TRX-2026-11" not in event.data


def test_a_withdrawal_needs_a_reason_and_comes_before_the_submission(office: Office, dossier: str) -> None:
    received = send(office, dossier)
    with pytest.raises(InvalidInput):
        uploads.withdraw_document(
            office.archive, office.actor("ratna"), dossier=dossier, version=received.version, reason=" "
        )
    uploads.withdraw_document(
        office.archive, office.actor("ratna"), dossier=dossier, version=received.version, reason="Salah pindai"
    )
    with pytest.raises(Conflict) as caught:
        decisions.submit_step(office.archive, office.actor("ratna"), dossier=dossier, step="1")
    assert caught.value.code == "outputs_missing"
    again = send(office, dossier)
    decisions.submit_step(office.archive, office.actor("ratna"), dossier=dossier, step="1")
    with pytest.raises(Conflict) as late:
        uploads.withdraw_document(
            office.archive, office.actor("ratna"), dossier=dossier, version=again.version, reason="Terlambat"
        )
    assert late.value.code == "step_finished"
    assert len(stored(office)) == 2, "a withdrawn version's bytes stay"


def test_a_dossier_takes_no_more_than_its_bundle_may_hold(
    office: Office, dossier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive_service.services.places.EVENTS_LIMIT", 8)
    send(office, dossier)
    send(office, dossier)
    with pytest.raises(Conflict) as caught:
        send(office, dossier)
    assert caught.value.code == "dossier_full"
    decisions.submit_step(office.archive, office.actor("ratna"), dossier=dossier, step="1")

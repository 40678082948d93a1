"""Time-stamps over checkpoints from an authority that nobody here wrote: ``openssl ts``."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from sqlalchemy import select, text

from archive_service.db.models import CheckpointRow, TimeStampRow, VoucherRow
from archive_service.domain import note
from archive_service.services import audit, levels, log, time_stamps, vouching
from archive_service.services.vouchers import NotVouched
from archive_service.verifier.time_stamp import SHA256_OID, openssl_command, parse_time_stamp
from tests.office import Office, open_office
from tests.time_stamp_authority import Authority, run_authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with run_authority(tmp_path_factory.mktemp("tsa") / "tsa") as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, authority: Authority) -> Iterator[Office]:
    made = open_office(
        tmp_path / "var", time_stamp_authorities=f"{authority.url} {authority.ca_file}", attestation_wait_seconds=0
    )
    made.clock.moment = datetime.now(UTC)
    authority.answers.clear()
    authority.status = 200
    yield made
    made.archive.db.close()


def settle(office: Office) -> int:
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()
    return vouching.ask_vouchers(office.archive)


def newest(office: Office) -> tuple[CheckpointRow, TimeStampRow | None]:
    with office.archive.db.read() as session:
        row = session.execute(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)).scalar_one()
        stamp = session.execute(select(TimeStampRow).where(TimeStampRow.size == row.size)).scalar_one_or_none()
        return row, stamp


def error(office: Office) -> str:
    with office.archive.db.read() as session:
        return str(session.execute(select(VoucherRow.error)).scalar_one())


def do(office: Office, version: int) -> None:
    office.register("calendars/id-government.toml", version=version, title="Kalender yang dikoreksi")


def test_openssl_accepts_the_token_that_was_kept_by_the_command_that_is_printed(
    office: Office, authority: Authority, tmp_path: Path
) -> None:
    assert settle(office) == 1
    row, stamp = newest(office)
    assert stamp is not None and stamp.is_verified
    told = parse_time_stamp(stamp.token)
    assert (told.algorithm, told.policy) == (SHA256_OID, "1.2.3.4.1") and told.serial.isdigit()
    assert abs(told.at - datetime.now(UTC)) < timedelta(minutes=1) and told.at == stamp.stamped_at
    (tmp_path / "c.txt").write_bytes(row.note)
    (tmp_path / "c.tsr").write_bytes(stamp.token)
    command = openssl_command("c.txt", "c.tsr", told.at).replace("CA.pem", shlex.quote(str(authority.ca_file)))
    ran = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0 and "Verification: OK" in ran.stdout + ran.stderr, ran.stderr
    (tmp_path / "c.txt").write_bytes(row.note.replace(b"\n", b"\n1", 1))
    ran = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert "Verification: OK" not in ran.stdout + ran.stderr
    assert audit.check_archive(office.archive).discrepancies == []
    with office.forced() as connection:
        connection.execute(text("update time_stamp set stamped_at = '2020-01-01 00:00:00'"))
    assert [d.code for d in audit.check_archive(office.archive).discrepancies] == ["time_stamp_differs"]


def test_a_day_is_stamped_once_and_each_seal_again(office: Office) -> None:
    assert settle(office) == 1
    do(office, 2)
    assert settle(office) == 0
    with office.forced() as connection:
        # as though the newest event were a seal
        connection.execute(text("update event set type = 'dossier.sealed' where at = (select max(at) from event)"))
    assert vouching.ask_vouchers(office.archive) == 1
    assert newest(office)[1] is not None
    # of another day
    with office.forced() as connection:
        connection.execute(text("update checkpoint set signed_at = '2020-01-01 00:00:00'"))
    do(office, 3)
    assert settle(office) == 1


def test_an_answer_that_is_none_is_noted_and_not_kept(office: Office, authority: Authority) -> None:
    do(office, 2)
    while log.sequence_pending(office.archive):
        pass
    log.CheckpointSigner(office.archive).sign()
    row, _ = newest(office)
    asked = time_stamps.authorities_of(office.archive)[0]
    other = TimestampRequestBuilder().data(b"something else").build().as_bytes()
    own = (
        TimestampRequestBuilder()
        .data(note.parse_note(row.note).text.encode())
        .hash_algorithm(HashAlgorithm.SHA256)
        .build()
        .as_bytes()
    )
    for answer, words in [
        (b"no token", "no time-stamp"),
        (authority.reply(other), "something else"),
        (authority.reply(own), "another request"),
    ]:
        authority.answers.append(answer)
        with pytest.raises(NotVouched, match=words):
            time_stamps.ask_authority(office.archive, asked, row)
    authority.status = 500
    with pytest.raises(NotVouched, match="answered 500"):
        time_stamps.ask_authority(office.archive, asked, row)
    authority.status = 200
    with pytest.raises(NotVouched, match="cannot be read"):
        time_stamps.ask_authority(office.archive, replace(asked, ca_file=Path("/nowhere.pem")), row)
    assert newest(office)[1] is None


def test_a_token_under_another_ca_is_refused(office: Office, tmp_path: Path) -> None:
    with run_authority(tmp_path / "other") as other:
        settings = office.archive.settings.model_copy(
            update={"time_stamp_authorities": f"{other.url} {office.archive.settings.authorities[0][1]}"}
        )
        office.archive = replace(office.archive, settings=settings)
        assert settle(office) == 0
        assert "does not verify" in error(office)


def test_without_certificates_the_token_is_kept_unverified(office: Office, authority: Authority) -> None:
    settings = office.archive.settings.model_copy(update={"time_stamp_authorities": authority.url})
    office.archive = replace(office.archive, settings=settings)
    assert settle(office) == 1
    _, stamp = newest(office)
    assert stamp is not None and not stamp.is_verified
    with office.archive.db.read() as session:
        level = levels.read_level(office.archive, session)
    assert (level["is_signed"], level["witnesses"], level["witnesses_of"], level["time_stamps"]) == (True, 0, 0, 1)


def test_a_token_that_the_library_cannot_read_is_kept_for_openssl(office: Office, tmp_path: Path) -> None:
    with run_authority(tmp_path / "other", sends_ca=True) as other:
        settings = office.archive.settings.model_copy(update={"time_stamp_authorities": f"{other.url} {other.ca_file}"})
        office.archive = replace(office.archive, settings=settings)
        assert settle(office) == 1
    _, stamp = newest(office)
    assert stamp is not None and not stamp.is_verified


def test_a_token_outside_of_its_certificates_time_is_refused_by_the_command_that_is_printed(
    office: Office, authority: Authority, tmp_path: Path
) -> None:
    assert settle(office) == 1
    row, stamp = newest(office)
    assert stamp is not None
    (tmp_path / "c.txt").write_bytes(row.note)
    (tmp_path / "c.tsr").write_bytes(stamp.token)

    def said_at(moment: datetime) -> str:
        command = openssl_command("c.txt", "c.tsr", moment).replace("CA.pem", shlex.quote(str(authority.ca_file)))
        ran = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        return ran.stdout + ran.stderr

    assert "Verification: OK" in said_at(stamp.stamped_at)
    # the authority's certificate lasts for thirty days
    for moment in (stamp.stamped_at + timedelta(days=40), stamp.stamped_at - timedelta(days=2)):
        said = said_at(moment)
        assert "Verification: OK" not in said and "certificate" in said

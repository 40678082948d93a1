"""Witnesses cosign what the log signs; a bundle carries it, and rewriting what happened contradicts it."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select, text

from archive_service import signing
from archive_service.config import load_settings
from archive_service.db.models import CosignatureRow, VoucherRow
from archive_service.domain.policy import Policy, parse_policy
from archive_service.runner import Runner
from archive_service.services import audit, log, publication, reading, vouching
from archive_service.verifier.verify import INVALID, VALID, Report, check_bundle
from archive_service.witness import Witness, WitnessServer
from tests.office import ORIGIN, Office, make_office, open_office, wib


@dataclass
class World:
    """An office whose log two witnesses follow, on a clock of their own."""

    office: Office
    policy: Policy
    witnesses: list[Witness]
    now: datetime
    follows: bool = True
    done: int = 0

    def settle(self) -> int:
        """Number and sign what is there; have it vouched for."""
        while log.sequence_pending(self.office.archive):
            pass
        log.CheckpointSigner(self.office.archive).sign()
        return vouching.ask_vouchers(self.office.archive)

    def do(self) -> None:
        """Something that the log takes."""
        self.done += 1
        self.office.register("calendars/id-government.toml", version=1 + self.done, title="Kalender yang dikoreksi")

    def at(self, text: str) -> None:
        """Settle what was done, then let time go on; the world's with the office's, unless the office lies."""
        self.settle()
        self.office.clock.moment = wib(text)
        if self.follows:
            self.now = wib(text)

    def bundle(self, dossier: str) -> bytes:
        """The bundle of a sealed dossier."""
        self.settle()
        self.office.turn(Runner(self.office.archive))
        content = reading.read_bundle(self.office.archive, self.office.actor("maya"), dossier=dossier)
        return b"".join(content.chunks)

    def check(self, bundle: bytes) -> Report:
        """The verifier's report under the policy."""
        key = self.office.archive.log_key.verifier_key
        return check_bundle(io.BytesIO(bundle), len(bundle), key, self.policy, self.now)


def open_world(folder: Path, stack: ExitStack, make: Callable[..., Office] = open_office) -> World:
    """A world in this folder; with ``make_office`` one with people."""
    (folder / "var" / "keys").mkdir(parents=True)
    key = signing.named(signing.load_or_create(folder / "var" / "keys" / "log.pem"), ORIGIN)
    now = [wib("2026-03-12T08:00")]
    lines, witnesses = [f"log {key.vkey}"], []
    for name in ("w1", "w2"):
        witness = Witness(
            folder / f"{name}.db",
            Ed25519PrivateKey.generate(),
            f"{name}.test",
            [key.vkey],
            lambda: made.now.timestamp(),
        )
        server = stack.enter_context(WitnessServer(("127.0.0.1", 0), witness))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        stack.callback(server.shutdown)
        lines.append(f"witness {name} {witness.vkey} http://127.0.0.1:{server.server_address[1]}")
        witnesses.append(witness)
    lines += ["group both all w1 w2", "quorum both"]
    (folder / "policy").write_text("\n".join(lines) + "\n")
    office = make(folder / "var", witness_policy=folder / "policy", attestation_wait_seconds=0)
    made = World(office, parse_policy((folder / "policy").read_text()), witnesses, now[0])
    office.archive = replace(office.archive, timer=lambda: made.now)
    office.at = made.at  # type: ignore[method-assign]
    stack.callback(office.archive.db.close)
    return made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield open_world(tmp_path, stack)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str, bytes]]:
    with ExitStack() as stack:
        world = open_world(tmp_path_factory.mktemp("world"), stack, make_office)
        dossier = world.office.play()
        yield world, dossier, world.bundle(dossier)


def count(world: World) -> int:
    with world.office.archive.db.read() as session:
        return session.execute(select(func.count()).select_from(CosignatureRow)).scalar_one()


def voucher(world: World, name: str) -> VoucherRow:
    with world.office.archive.db.read() as session:
        rows = session.execute(select(VoucherRow)).scalars().all()
    return next(row for row in rows if row.key.startswith(f"{name}.test+"))


def test_each_fresh_checkpoint_is_cosigned_once_by_each_witness(world: World) -> None:
    assert world.settle() == 2 and count(world) == 2
    assert publication.read_checkpoint(world.office.archive).count(b".test ") == 2
    assert vouching.ask_vouchers(world.office.archive) == 0
    world.do()
    assert world.settle() == 2 and count(world) == 4
    assert audit.check_archive(world.office.archive).discrepancies == []


def test_a_checkpoint_that_has_grown_old_is_not_sent(world: World) -> None:
    while log.sequence_pending(world.office.archive):
        pass
    log.CheckpointSigner(world.office.archive).sign()
    world.now += vouching.FRESH
    assert vouching.ask_vouchers(world.office.archive) == 0 and count(world) == 0


def test_nothing_is_sent_while_something_older_waits_for_its_number(world: World) -> None:
    world.settle()
    world.do()
    world.now += timedelta(minutes=5)
    world.office.clock.moment = world.now
    log.sequence_pending(world.office.archive)
    log.CheckpointSigner(world.office.archive).sign()
    with world.office.archive.db.write() as session:
        session.execute(text("insert into log_pending (leaf_hash) select leaf_hash from event where seq = 0 limit 1"))
    assert vouching.ask_vouchers(world.office.archive) == 0


def test_a_witness_that_knows_more_names_its_size_and_is_asked_from_there(world: World) -> None:
    world.settle()
    with world.office.forced() as connection:
        connection.execute(text("delete from cosignature"))
    world.do()
    assert world.settle() == 2


def test_a_witness_that_is_away_is_left_alone_longer_each_time_and_delays_nobody(tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = open_world(tmp_path, stack)
        gone = world.policy.witnesses[0]
        dead = replace(gone, url="http://127.0.0.1:9")
        policy = replace(world.policy, witnesses=(dead, world.policy.witnesses[1]))
        world.office.archive = replace(world.office.archive, policy=policy)
        assert world.settle() == 1
        row = voucher(world, "w1")
        assert row.failures == 1 and "reached" in str(row.error)
        world.now += timedelta(seconds=4)
        assert vouching.ask_vouchers(world.office.archive) == 0 and voucher(world, "w1").failures == 1
        world.now += timedelta(seconds=2)
        vouching.ask_vouchers(world.office.archive)
        assert voucher(world, "w1").failures == 2
        assert voucher(world, "w1").ask_after - world.now == timedelta(seconds=10)
        world.office.archive = replace(world.office.archive, policy=world.policy)
        world.now += timedelta(seconds=11)
        assert vouching.ask_vouchers(world.office.archive) == 1 and voucher(world, "w1").error is None


def test_a_witness_whose_clock_is_wrong_is_not_believed(world: World) -> None:
    world.witnesses[0]._now = lambda: world.now.timestamp() + 3600
    assert world.settle() == 1
    assert "clock" in str(voucher(world, "w1").error)


def test_a_forked_log_gets_no_cosignature_and_says_why(tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = open_world(tmp_path / "a", stack)
        world.settle()
        other = open_world(tmp_path / "b", stack)
        # the same key and witnesses, another log
        shutil.copy(tmp_path / "a" / "var" / "keys" / "log.pem", tmp_path / "key.pem")
        key = signing.named(signing.load(tmp_path / "key.pem"), ORIGIN)
        other.office.archive = replace(other.office.archive, log_key=key, policy=world.policy)
        other.do()
        assert other.settle() == 0
        assert "continue" in str(voucher(other, "w1").error) or "another log" in str(voucher(other, "w1").error)


def test_a_sealed_dossier_is_attested_between_times_by_both_witnesses(played: tuple[World, str, bytes]) -> None:
    world, _, bundle = played
    report = world.check(bundle)
    assert (report.verdict, report.discrepancies) == (VALID, [])
    told = report.attestation
    assert (told.witnesses, told.witnesses_of, told.time_stamps, told.unknown) == (["w1", "w2"], 2, 0, [])
    assert told.intervals and all(i.before is not None and i.after is not None for i in told.intervals)
    for interval in told.intervals:
        assert interval.before is not None and interval.before.by == ("w1", "w2")
    lines = "\n".join(report.lines("en"))
    assert "Level: signed; witnesses 2 of 2; time stamps 0." in lines
    assert "attested between 2026-03-1" in lines and "by w1, w2" in lines
    plain = report.plain()
    assert plain["level"] == {"signed": True, "witnesses": 2, "witnesses_of": 2, "time_stamps": 0}
    assert all(event["is_attested"] for event in plain["attestation"]["events"])


def test_without_a_policy_cosignatures_count_for_nothing_and_are_listed(played: tuple[World, str, bytes]) -> None:
    world, _, bundle = played
    report = check_bundle(io.BytesIO(bundle), len(bundle), world.office.archive.log_key.verifier_key)
    assert report.verdict == VALID and report.attestation.witnesses == []
    assert [name.partition("+")[0] for name in report.attestation.unknown] == ["w1.test", "w2.test"]
    assert "Times are claimed by the issuer." in report.lines("en")


def test_a_policys_log_is_pinned_where_no_key_is_given(played: tuple[World, str, bytes]) -> None:
    world, _, bundle = played
    assert check_bundle(io.BytesIO(bundle), len(bundle), None, world.policy).verdict == VALID


def test_a_dossier_rewritten_with_on_time_stamps_before_sealing_is_caught(played: tuple[World, str, bytes]) -> None:
    world, _, honest = played
    world.at("2026-04-20T09:00")
    world.do()
    world.settle()
    # what really happened is given up; a second dossier is played on an evidence clock that was set back
    world.follows = False
    dossier = world.office.play()
    report = world.check(world.bundle(dossier))
    assert report.verdict == INVALID
    assert {d.code for d in report.discrepancies} == {"time_contradicts_attestation"}
    assert check_bundle(io.BytesIO(honest), len(honest), None, world.policy).verdict == VALID


def test_settings_name_what_vouches_and_refuse_what_cannot(tmp_path: Path) -> None:
    settings = load_settings(time_stamp_authorities="https://a.test/tsr /ca.pem, http://b.test")
    assert settings.authorities == [("https://a.test/tsr", Path("/ca.pem")), ("http://b.test", None)]

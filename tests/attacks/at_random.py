"""Damage at random, all of it found; honest work at random, none of it suspected.

Every change is drawn from the seed and its own number, on archives that are drawn from the seed alone: ``--first N --mutations 1`` makes one
again, and a run that was stopped goes on from the number that it printed last.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import wiring
from archive_service.domain.note import VerifierKey
from archive_service.errors import ArchiveError
from archive_service.runner import Runner
from archive_service.services import (
    audit,
    dossiers,
    indicators,
    logins,
    people,
    publication,
    sessions,
    stored_evidence,
    uploads,
    users,
)
from archive_service.services.work import load_dossier
from archive_service.verifier import log_directory
from archive_service.verifier.onefile import own_digest
from tests.attacks import damage
from tests.full_archive import play_everything
from tests.office import PASSWORD, SAMPLES, Office, chunks_of, make_office
from tests.verifier.forger import check

MUTATIONS, CLEAN = 10_000, 1_000
STATES = 50
"""So many clean states are looked at in one archive: it grows, and the next one begins anew."""
SHOWN = 20
TICK = timedelta(seconds=2)
Play = Callable[[Office], object]


class SeededSecrets:
    """What ``secrets`` gives, from a seed: the same archive again."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(f"secrets {seed}")

    def token_bytes(self, count: int) -> bytes:
        """So many bytes."""
        return self._chance.randbytes(count)


class SteppingTimer:
    """A timer that goes two seconds on at each look: nothing in a test waits for a second to pass."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        self._now += TICK
        return self._now


@contextmanager
def seeded_office(folder: Path, seed: str) -> Iterator[Office]:
    """An office whose keys, ids and salts follow from the seed."""
    secrets = SeededSecrets(seed)
    keys = folder / "keys"
    keys.mkdir(parents=True, mode=0o700)
    for name in ("log", "receipt"):
        private = Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (keys / f"{name}.pem").write_bytes(pem)
        (keys / f"{name}.pem").chmod(0o600)
    with mock.patch.object(wiring, "secrets", secrets):
        office = make_office(folder)
        office.archive = replace(office.archive, timer=SteppingTimer())
        try:
            yield office
        finally:
            office.archive.db.close()


def settle(office: Office, runner: Runner | None = None) -> None:
    """Let jobs, sweeps and the log come to rest."""
    runner = runner or Runner(office.archive)
    rest = 0
    for _ in range(200):
        rest = 0 if runner.turn() else rest + 1
        if rest == 3:
            return


# damage ------------------------------------------------------------------------------------------------------------


KINDS = ("database",) * 8 + ("store",) * 3 + ("published",) * 4 + ("bundle",) * 5


@dataclass
class Target:
    """A whole archive, its published log and its bundles, to be damaged one change at a time."""

    office: Office
    folder: Path
    exported: Path
    bundles: list[bytes]
    database: damage.DamagedDatabase

    @property
    def key(self) -> VerifierKey:
        """The pinned key."""
        return self.office.archive.log_key.verifier_key

    def attack(self, kind: str, chance: random.Random) -> tuple[str, list[str]]:
        """One change of a kind, the codes that tell of it, and everything as before; the words for the change first."""
        what, codes = getattr(self, f"_{kind}")(chance)
        return what.text, codes

    def _database(self, chance: random.Random) -> tuple[damage.Damage, list[str]]:
        what = self.database.damage(chance)
        try:
            return what, _codes(self.audit, what)
        finally:
            self.database.undo()

    def _store(self, chance: random.Random) -> tuple[damage.Damage, list[str]]:
        store = self.folder / "store"
        log = damage.list_files(store, "log")
        if chance.random() < 0.1:
            what, undo = damage.add_file(chance, store, log)
        else:
            # the log is a small part of what is stored, and tried as often as the rest
            files = log if chance.random() < 0.5 else damage.list_files(store, "objects", "bundles")
            what, undo = damage.damage_file(chance, store, files, may_go=_is_needed)
        try:
            return what, _codes(self.audit, what)
        finally:
            undo()

    def _published(self, chance: random.Random) -> tuple[damage.Damage, list[str]]:
        files = [path for path in damage.list_files(self.exported) if path.name != "vkey"]
        kept = [path for path in files if path.parent.name == "checkpoints"]
        if chance.random() < 0.1:
            what, undo = damage.add_file(chance, self.exported, kept)
        else:
            what, undo = damage.damage_file(chance, self.exported, files, may_go=lambda path: path not in kept)
        try:
            return what, _codes(self.verify_log, what)
        finally:
            undo()

    def _bundle(self, chance: random.Random) -> tuple[damage.Damage, list[str]]:
        what, data = damage.damage_bundle(chance, chance.choice(self.bundles))
        return what, _codes(lambda: self.verify_bundle(data), what)

    def audit(self) -> list[str]:
        """What the audit finds, objects and all."""
        return [d.code for d in audit.check_archive(self.office.archive, with_objects=True).discrepancies]

    def verify_log(self) -> list[str]:
        """What the verifier of the published log finds under the pinned key."""
        try:
            report = log_directory.check_log(log_directory.open_log(str(self.exported)), [self.key])
        except log_directory.LogUnreadable:
            return ["log_unreadable"]
        return [d.code for d in report.discrepancies]

    def verify_bundle(self, data: bytes) -> list[str]:
        """What the verifier of bundles finds under the pinned key."""
        report = check(data, self.office.archive.log_key)
        if report.exit_code == 2:
            return ["no_bundle"]
        # no fault, and said beside the verdict: the verifier in the bundle is another one than this
        other = [] if report.contained_verifier == own_digest() else ["other_verifier"]
        return [*(d.code for d in report.discrepancies), *other]


class Crashed(Exception):
    """A check failed by an exception: what it should have said, it did not say."""


def _codes(find: Callable[[], list[str]], what: damage.Damage) -> list[str]:
    try:
        return find()
    except Exception as exc:
        # whatever a check raises is a failure of the check, told with the change that led to it
        raise Crashed(f"{what.text}\n{traceback.format_exc()}") from exc


def _is_needed(path: Path) -> bool:
    """Whether a stored file must be there: of partial tiles the widest alone, where there is no full one."""
    if not path.parent.name.endswith(".p"):
        return True
    widths = [int(other.name) for other in path.parent.iterdir() if other.name.isdigit()]
    return int(path.name) == max(widths) and not path.parent.with_suffix("").exists()


@contextmanager
def make_target(folder: Path, seed: str, play: Play = play_everything) -> Iterator[Target]:
    """An archive that was played, exported, and found clean."""
    with seeded_office(folder / "var", seed) as office, mock.patch.object(stored_evidence, "ROW_FOLLOWS_SECONDS", 0):
        play(office)
        settle(office)
        publication.export_log(office.archive, folder=folder / "log")
        bundles = [path.read_bytes() for path in damage.list_files(folder / "var" / "store", "bundles")]
        database = damage.DamagedDatabase(folder / "var" / "archive.db")
        target = Target(office, folder / "var", folder / "log", bundles, database)
        try:
            found = [
                *target.audit(),
                *target.verify_log(),
                *(code for data in bundles for code in target.verify_bundle(data)),
            ]
            if found or not bundles:
                raise AssertionError(f"the archive is not clean before it is damaged: {found}")
            yield target
        finally:
            database.close()


@dataclass
class Outcome:
    """What a run found."""

    found: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    clean: int = 0
    alarms: list[str] = field(default_factory=list)


def run_damage(
    target: Target, seed: str, numbers: range, outcome: Outcome, tell: Callable[[int], None] = lambda number: None
) -> None:
    """Make these changes one after the other; what none of the checks finds is ``missed``."""
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        kind = chance.choice(KINDS)
        try:
            text, codes = target.attack(kind, chance)
        except Crashed as exc:
            text, codes = str(exc), []
        if codes:
            outcome.found[kind] += 1
            outcome.codes.update({f"{kind}: {code}" for code in set(codes)})
        else:
            outcome.missed.append(f"--seed {seed} --first {number} --mutations 1: {kind}: {text}")
        tell(number)


# honest work -------------------------------------------------------------------------------------------------------

PAUSES = [timedelta(minutes=3), timedelta(minutes=40), timedelta(hours=3), timedelta(hours=9), timedelta(days=1)]


def work_at_random(office: Office, chance: random.Random) -> Iterator[None]:
    """Acts of an office without end, each a turn: dossiers of several units side by side, late ones, returned, cancelled, sealed."""
    units = [office.unit]
    stories: list[Iterator[None]] = []
    version = 1
    office.at("2026-03-13T08:10")
    while True:
        if len(stories) < 3 and (not stories or chance.random() < 0.3):
            stories.append(_tell_dossier(office, chance, chance.choice(units)))
        act = chance.random()
        try:
            if act < 0.04 and len(units) < 3:
                units.append(_found_unit(office, len(units)))
            elif act < 0.08:
                version += 1
                office.register("calendars/id-government.toml", version=version, title=f"Kalender {version}")
            elif act < 0.12:
                _log_in(office, chance)
            else:
                story = chance.choice(stories)
                if next(story, StopIteration) is StopIteration:
                    stories.remove(story)
        except ArchiveError:
            # a refusal is honest work too, and the story goes on without that act
            stories = [s for s in stories if getattr(s, "gi_frame", None) is not None]
        office.clock.moment += chance.choice(PAUSES)
        yield


def _found_unit(office: Office, number: int) -> str:
    admin = office.actor("admin")
    unit = people.create_work_unit(
        office.archive, admin, code=f"unit-{number}", name=f"Unit {number}", parent=office.unit
    )
    for login in ("ratna", "hendra", "sari", "bima", "maya"):
        role = office.actor(login).assignments[0].role
        person = office.persons[login]
        people.assign_role(
            office.archive, admin, person=person, role=role, work_unit=unit, from_on="2026-01-01", lead=login == "sari"
        )
    return unit


def _log_in(office: Office, chance: random.Random) -> None:
    login = chance.choice(["maya", "sari", "wahyu"])
    actor = office.actor(login)
    kind = chance.randrange(3)
    if kind == 0:
        sessions.end_session(
            office.archive, cookie=logins.log_in(office.archive, login=login, password=PASSWORD).cookie or ""
        )
    elif kind == 1:
        users.set_mail(office.archive, actor, user=actor.user, mail=f"{login}{chance.randrange(9)}@polman.example")
    else:
        users.create_token(office.archive, actor, name="alat", days=30)


def _tell_dossier(office: Office, chance: random.Random, unit: str) -> Iterator[None]:
    letter_time = office.clock.moment - timedelta(minutes=chance.randrange(1, 600))
    dossier = dossiers.open_dossier(
        office.archive,
        office.actor("maya"),
        sop="sop-spmi-601",
        work_unit=unit,
        year=2026,
        quarter=chance.choice([1, 2]),
        title=chance.choice(["Pengukuran data kinerja", "Laporan triwulan é", 'Ukur "ulang" \\ 1']),
        letter=dossiers.RequestLetter("0412/B1", "Sekretariat", "SM-178", "2026-03-12", letter_time.isoformat()),
    )
    yield
    if chance.random() < 0.3:
        listed = [indicators.ListedIndicator("IKU-1", "Lulusan bekerja", "80", "%", "78", "sari")]
        indicators.set_indicators(office.archive, office.actor("sari"), dossier=dossier, indicators=listed)
        yield
    for step, login in (("1", "ratna"), ("2", "ratna"), ("3", "hendra"), ("4", "sari"), ("5", "sari"), ("6", "bima")):
        if chance.random() < 0.15:
            yield from _withdraw(office, chance, dossier, login, step)
        office.submit(dossier, login, step)
        yield
        if chance.random() < 0.05:
            dossiers.request_cancellation(office.archive, office.actor("ratna"), dossier=dossier, reason="Keliru.")
            yield
            dossiers.confirm_cancellation(office.archive, office.actor("hendra"), dossier=dossier)
            return
    office.decide(dossier, "sari", "7", "approve")
    yield
    for _ in range(chance.choice([0, 0, 1, 2])):
        office.decide(dossier, "hendra", "8", "return", "Angka keliru.")
        yield
        office.submit(dossier, "bima", "6", 2)
        yield
        office.decide(dossier, "sari", "7", "approve")
        yield
    office.decide(dossier, "hendra", "8", "approve")
    yield
    office.decide(dossier, "ratna", "9", "approve")
    yield
    office.submit(dossier, "maya", "10")
    yield
    if chance.random() < 0.7:
        yield from _explain(office, chance, dossier)
    office.seal(dossier)
    yield


def _withdraw(office: Office, chance: random.Random, dossier: str, login: str, step: str) -> Iterator[None]:
    entry = office.samples[(step, 1)][0]
    received = uploads.receive_document(
        office.archive,
        office.actor(login),
        dossier=dossier,
        step=step,
        kind=entry["kind"],
        file_name=entry["file"],
        chunks=chunks_of((SAMPLES / entry["file"]).read_bytes()),
    )
    yield
    if chance.random() < 0.7:
        uploads.withdraw_document(
            office.archive, office.actor(login), dossier=dossier, version=received.version, reason="Salah berkas."
        )
        yield


def _explain(office: Office, chance: random.Random, dossier: str) -> Iterator[None]:
    with office.archive.db.read() as session:
        owed = [d for d in load_dossier(office.archive, session, dossier).deviations if d.responsible and d.is_open]
    logins = {person: login for login, person in office.persons.items()}
    for each in owed[:2]:
        number = office.explain(dossier, logins[str(each.responsible)], each.code)
        yield
        reason = None if chance.random() < 0.7 else "Kurang jelas."
        office.answer(dossier, "hendra", each.code, number, reason)
        yield


def run_clean(
    folder: Path, seed: str, count: int, outcome: Outcome, tell: Callable[[int], None] = lambda number: None
) -> None:
    """Look at so many states of honest archives; whatever is said of one is an ``alarm``."""
    number = 0
    while number < count:
        name = f"{seed} clean {number // STATES}"
        with seeded_office(folder / "var", name) as office:
            for _ in zip(range(min(STATES, count - number)), work_at_random(office, random.Random(name)), strict=False):
                found = _look(office, folder)
                outcome.clean += 1
                outcome.alarms += [f"--seed {seed} --mutations 0, state {number}: {text}" for text in found]
                tell(number)
                number += 1
        shutil.rmtree(folder)


def _look(office: Office, folder: Path) -> list[str]:
    settle(office)
    archive, key = office.archive, office.archive.log_key
    found = [str(d) for d in audit.check_archive(archive, with_objects=True).discrepancies]
    older = folder / "log" / "checkpoint"
    since = older.read_bytes() if older.exists() else None
    publication.export_log(archive, folder=folder / "log")
    reader = log_directory.open_log(str(folder / "log"))
    report = log_directory.check_log(reader, [key.verifier_key], since=since)
    found += [f"log: {d}" for d in report.discrepancies]
    verified = folder / "verified"
    verified.mkdir(exist_ok=True)
    for path in damage.list_files(folder / "var" / "store", "bundles"):
        if not (verified / path.name).exists():
            (verified / path.name).touch()
            found += [f"bundle: {d}" for d in check(path.read_bytes(), key).discrepancies]
    return found


# command -----------------------------------------------------------------------------------------------------------


class Progress:
    """A line that says how far the work is: rewritten on a terminal, else a new one now and then."""

    def __init__(self, word: str, first: int, count: int, outcome: Outcome) -> None:
        self._word, self._first, self._count, self._outcome = word, first, count, outcome
        self._started = self._last = time.monotonic()
        self._told = len(outcome.missed) + len(outcome.alarms)

    def __call__(self, number: int) -> None:
        """Tell of one more."""
        for text in [*self._outcome.missed, *self._outcome.alarms][self._told :]:
            self._told += 1
            sys.stderr.write(f"\n{text}\n")
        now, done = time.monotonic(), number - self._first + 1
        is_terminal = sys.stderr.isatty()
        if done < self._count and now - self._last < (0.2 if is_terminal else 15):
            return
        self._last = now
        rate = done / max(now - self._started, 0.001)
        bad = len(self._outcome.missed) + len(self._outcome.alarms)
        line = f"{self._word} {number} ({done} of {self._count}, {rate:.1f}/s, {bad} wrong)"
        sys.stderr.write(f"\r{line}" if is_terminal and done < self._count else f"{line}\n")
        sys.stderr.flush()


def _run(folder: Path, chosen: argparse.Namespace, outcome: Outcome) -> None:
    if chosen.mutations:
        with make_target(folder / "target", chosen.seed) as target:
            numbers = range(chosen.first, chosen.first + chosen.mutations)
            run_damage(
                target, chosen.seed, numbers, outcome, Progress("change", chosen.first, chosen.mutations, outcome)
            )
    if chosen.clean:
        run_clean(folder / "clean", chosen.seed, chosen.clean, outcome, Progress("state", 0, chosen.clean, outcome))


def main(arguments: list[str]) -> int:
    """The command; 0 when all damage was found and nothing honest was suspected."""
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("--seed", default="1", help="whatever all is drawn from")
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first change: goes on with a stopped run"
    )
    parser.add_argument("--mutations", type=int, default=MUTATIONS, help="how many changes")
    parser.add_argument("--clean", type=int, default=CLEAN, help="how many states of honest archives")
    chosen = parser.parse_args(arguments)
    outcome = Outcome()
    started = time.monotonic()
    print(f"Seed {chosen.seed}: {chosen.mutations} changes from number {chosen.first}, {chosen.clean} clean states.")
    try:
        with tempfile.TemporaryDirectory(prefix="attack-") as name:
            _run(Path(name), chosen, outcome)
    except KeyboardInterrupt:
        done = chosen.first + sum(outcome.found.values()) + len(outcome.missed)
        print(f"Stopped: go on with --seed {chosen.seed} --first {done}.")
    for code, count in sorted(outcome.codes.items()):
        print(f"  {code}: {count}")
    for kind, count in sorted(outcome.found.items()):
        print(f"{kind}: {count} changes found")
    for word, wrong in (("NOT FOUND", outcome.missed), ("FALSE ALARM", outcome.alarms)):
        for text in wrong[:SHOWN]:
            print(f"{word} {text}")
    total = sum(outcome.found.values())
    print(
        f"{total} of {total + len(outcome.missed)} changes found, {len(outcome.alarms)} false alarms in {outcome.clean} clean states, "
        f"{time.monotonic() - started:.0f} s."
    )
    return 1 if outcome.missed or outcome.alarms else 0

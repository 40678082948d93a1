"""A whole published log: an honest one is valid, and each kind of damage has its name."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import signing
from archive_service.cli.__main__ import main
from archive_service.domain import canonical, note
from archive_service.domain.cosignature import cosigned_message, pack_cosignature
from archive_service.domain.event import Event, build_event, parse_event, service_actor
from archive_service.domain.policy import parse_policy
from archive_service.verifier import log_directory
from archive_service.verifier.command import verify_anything
from archive_service.verifier.log_directory import DirectoryReader, LogReport, LogUnreadable, UrlReader, check_log
from tests.log_maker import make_events
from tests.verifier.static_log import KEY, ORIGIN, sign, write, write_log
from tests.verifier.test_attestation import KEYS, NOW, POLICY, WITNESSES

EVENTS = make_events(ORIGIN, 1000, datetime(2026, 3, 12, tzinfo=UTC), streams=5)
ENTRIES = [event.data for event in EVENTS]
STRANGER = signing.named(Ed25519PrivateKey.from_private_bytes(b"\2" * 32), ORIGIN)


def check(folder: Path, *, is_pinned: bool = True, since: bytes | None = None) -> LogReport:
    keys = [KEY.verifier_key] if is_pinned else []
    return check_log(DirectoryReader(str(folder)), keys, since=since)


def codes(report: LogReport) -> set[str]:
    return {d.code for d in report.discrepancies}


def rewritten(event: Event, **changes: object) -> bytes:
    value = canonical.decode(event.data)
    return canonical.encode({**value, **changes})


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 1000])
def test_an_honest_log_of_any_size_is_valid(tmp_path: Path, size: int) -> None:
    kept = [n for n in (1, 100, 256, 300, 511) if n < size]
    report = check(write_log(tmp_path / "log", ENTRIES[:size], kept=kept))
    assert report.verdict == "VALID", report.lines("en")
    assert (report.events, report.streams, report.kept_checkpoints) == (size, min(size, 5), len(kept) + 1)
    assert report.lines("id")[-1] == "VALID"
    assert json.loads(json.dumps(report.plain()))["exit_code"] == 0


def test_without_a_key_no_issuer_is_confirmed(tmp_path: Path) -> None:
    report = check(write_log(tmp_path / "log", ENTRIES[:300]), is_pinned=False)
    assert (report.verdict, report.exit_code) == ("CONSISTENT, ISSUER NOT CONFIRMED", 3)


def test_a_partial_file_may_have_become_a_whole_one(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", ENTRIES[:600])
    old = sign(ENTRIES[:300])
    write(folder, "checkpoint", old)
    write(folder, "tile/1/000.p/1", (folder / "tile/1/000.p/2").read_bytes()[:32])
    report = check(folder)
    assert codes(report) == {"log_shrunk"}, report.lines("en")
    for name in (folder / "checkpoints").iterdir():
        name.unlink()
    assert check(folder).verdict == "VALID"


def flip(path: str, at: int = 40) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = bytearray((folder / path).read_bytes())
        data[at] ^= 1
        (folder / path).write_bytes(bytes(data))

    return damage


def remove(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def rewrite(entries: list[bytes], *, with_root: bool = False) -> Callable[[Path], None]:
    """Other entries with bundles and tiles that fit them, under the old checkpoint or one signed anew with the real key."""

    def damage(folder: Path) -> None:
        head = (folder / "checkpoint").read_bytes()
        write_log(folder, entries)
        if not with_root:
            (folder / "checkpoint").write_bytes(head)
            (folder / "checkpoints" / f"{len(entries):020d}").write_bytes(head)

    return damage


def swapped(first: int, second: int) -> list[bytes]:
    entries = ENTRIES.copy()
    entries[first], entries[second] = entries[second], entries[first]
    return entries


EDITED = [*ENTRIES[:10], rewritten(EVENTS[10], at="2026-03-12T00:00:09.000001Z"), *ENTRIES[11:]]
FOREIGN = rewritten(EVENTS[700], origin="another.test/log")
TWICE = rewritten(EVENTS[999], id=EVENTS[3].id)
LATER = rewritten(EVENTS[999], claimed_at="2026-03-13T00:00:00.000000Z")
DAMAGES: list[tuple[str, Callable[[Path], None], set[str]]] = [
    ("entry edited", flip("tile/entries/001"), {"entry_differs", "root_differs", "chain_broken"}),
    ("entry and leaf edited together", rewrite(EDITED), {"root_differs", "chain_broken"}),
    ("level-0 tile edited", flip("tile/0/002"), {"entry_differs"}),
    ("upper tile edited", flip("tile/1/000.p/3"), {"tile_differs"}),
    ("partial tile cut", lambda f: write(f, "tile/0/003.p/232", b"x" * 32), {"tile_differs"}),
    ("bundle missing", remove("tile/entries/001"), {"entries_missing"}),
    ("tile missing", remove("tile/0/000"), {"tile_missing"}),
    ("bundle with a tail", lambda f: write(f, "tile/entries/000", b"\0\0" * 300), {"entries_invalid"}),
    ("bundle length lies", flip("tile/entries/002", 1), {"entries_invalid"}),
    ("event edited, re-signed", rewrite(EDITED, with_root=True), {"chain_broken"}),
    ("event deleted, re-signed", rewrite(ENTRIES[:20] + ENTRIES[21:], with_root=True), {"seq_differs"}),
    ("events swapped, re-signed", rewrite(swapped(20, 25), with_root=True), {"seq_differs"}),
    ("event replayed, re-signed", rewrite([*ENTRIES, ENTRIES[4]], with_root=True), {"id_twice", "seq_differs"}),
    ("another log's event", rewrite([*ENTRIES[:700], FOREIGN], with_root=True), {"origin_differs"}),
    ("id of another event", rewrite([*ENTRIES[:999], TWICE], with_root=True), {"id_twice"}),
    ("claimed in the future", rewrite([*ENTRIES[:999], LATER], with_root=True), {"claimed_in_future"}),
    ("no JSON", rewrite([*ENTRIES, b"{}"], with_root=True), {"event_invalid"}),
    ("checkpoint by another key", lambda f: write(f, "checkpoint", sign(ENTRIES, STRANGER)), {"checkpoint_unsigned"}),
    (
        "checkpoint of another log",
        lambda f: write(f, "checkpoint", sign(ENTRIES, KEY, "other")),
        {"checkpoint_unsigned"},
    ),
    ("checkpoint damaged", flip("checkpoint", 22), {"checkpoint_invalid"}),
    (
        "kept checkpoint of another history",
        lambda f: write(f, f"checkpoints/{300:020d}", sign([*ENTRIES[1:], b"x"][:300])),
        {"no_prefix"},
    ),
    ("kept checkpoint under another name", lambda f: write(f, "checkpoints/x", sign(ENTRIES)), {"checkpoint_invalid"}),
    ("kept checkpoint of more", lambda f: write(f, f"checkpoints/{1001:020d}", sign([*ENTRIES, b"x"])), {"log_shrunk"}),
]


@pytest.mark.parametrize(("damage", "expected"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_each_damage_has_its_name(tmp_path: Path, damage: Callable[[Path], None], expected: set[str]) -> None:
    folder = write_log(tmp_path / "log", ENTRIES)
    damage(folder)
    report = check(folder)
    assert expected <= codes(report), report.lines("en")
    assert report.verdict == "INVALID" and report.lines("en")[-1] == "INVALID"
    # the words for every code are there, in both languages
    assert report.lines("id") and report.plain()["exit_code"] == 1


def test_a_log_rewritten_with_the_real_key_is_found_by_a_checkpoint_kept_elsewhere(tmp_path: Path) -> None:
    old = sign(ENTRIES[:500])
    moved = make_events(ORIGIN, 1000, datetime(2026, 3, 12, 0, 0, 1, tzinfo=UTC), streams=5)
    folder = write_log(tmp_path / "log", [event.data for event in moved])
    assert check(folder).verdict == "VALID"
    assert codes(check(folder, since=old)) == {"no_prefix"}
    assert codes(check(write_log(tmp_path / "log", ENTRIES[:499]), since=old)) == {"log_shrunk"}
    honest = write_log(tmp_path / "log", ENTRIES)
    assert check(honest, since=old).verdict == "VALID"
    assert check(honest, since=sign(ENTRIES)).verdict == "VALID"
    assert codes(check(honest, since=sign(ENTRIES[:500], STRANGER))) == {"checkpoint_unsigned"}
    assert codes(check(honest, since=b"nothing")) == {"checkpoint_invalid"}


def test_the_tree_alone_is_checked_without_the_events(tmp_path: Path) -> None:
    entries = [b"no event", *ENTRIES[1:]]
    folder = write_log(tmp_path / "log", entries)
    reader = DirectoryReader(str(folder))
    assert check_log(reader, [KEY.verifier_key], is_tree_only=True).verdict == "VALID"
    assert codes(check_log(reader, [KEY.verifier_key])) == {"event_invalid", "seq_differs"}


def test_progress_is_told_and_discrepancies_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_directory, "KEPT", 30)
    folder = write_log(tmp_path / "log", [b"no event"] * 300)
    told: list[tuple[int, int]] = []
    report = check_log(DirectoryReader(str(folder)), [KEY.verifier_key], progress=lambda *done: told.append(done))
    assert told == [(256, 300), (300, 300)]
    step = report.steps["log_events"]
    assert (step.count, len(step.discrepancies)) == (300, 30)
    assert "and 280 more" in "\n".join(report.lines("en"))


def continued(**changes: object) -> bytes:
    old = sign(ENTRIES[:400])
    head = {"origin": ORIGIN, "size": 400, "vkey": KEY.vkey, "checkpoint": old.decode(), "reason": "fork"}
    root = parse_root(old)
    event = build_event(
        origin="archive.test/new",
        id=EVENTS[0].id,
        stream="service",
        seq=0,
        prev="0" * 64,
        type="log.continued",
        actor=service_actor("setup"),
        at="2026-04-01T00:00:00.000000Z",
        payload={**head, "root": root, **changes},
    )
    return event.data


def parse_root(checkpoint: bytes) -> str:
    from archive_service.domain.checkpoint import parse_checkpoint
    from archive_service.domain.note import parse_note

    return parse_checkpoint(parse_note(checkpoint).text).root.hex()


def test_a_log_that_continues_another_says_so(tmp_path: Path) -> None:
    key = signing.named(Ed25519PrivateKey.from_private_bytes(b"\3" * 32), "archive.test/new")

    def verdict_on(entry: bytes) -> LogReport:
        folder = write_log(tmp_path / "log", [entry], key=key)
        head = sign([entry], key, "archive.test/new")
        write(folder, "checkpoint", head)
        write(folder, f"checkpoints/{1:020d}", head)
        return check_log(DirectoryReader(str(folder)), [key.verifier_key])

    report = verdict_on(continued())
    assert report.verdict == "VALID", report.lines("en")
    assert report.continued is not None and report.continued["size"] == 400
    assert "continues the log archive.test/log" in "\n".join(report.lines("en"))
    assert parse_event(continued()).payload["origin"] == ORIGIN
    for changes in ({"size": 399}, {"root": "0" * 64}, {"vkey": STRANGER.vkey}, {"checkpoint": "nothing"}):
        assert codes(verdict_on(continued(**changes))) == {"continued_invalid"}, changes


def test_a_log_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadable, match="no folder"):
        log_directory.open_log(str(tmp_path / "none"))
    with pytest.raises(LogUnreadable, match="no checkpoint"):
        check(tmp_path)
    folder = write_log(tmp_path / "log", ENTRIES[:10])
    write(folder, "checkpoint", b"x" * 70_000)
    with pytest.raises(LogUnreadable, match="larger"):
        check(folder)
    with pytest.raises(LogUnreadable, match="no address"):
        UrlReader("ftp://archive.test/log")


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    busy: ClassVar[list[int]] = []
    status = 0

    def do_GET(self) -> None:
        status = self.busy.pop() if self.busy else self.status
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = write_log(tmp_path / "log", ENTRIES)
    _Handler.busy, _Handler.status = [], 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/log"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_address_is_verified_like_a_folder(served: tuple[Path, str]) -> None:
    folder, url = served
    _Handler.busy = [503, 429]
    reader = UrlReader(url)
    report = check_log(reader, [KEY.verifier_key])
    assert report.verdict == "VALID" and report.events == 1000
    (folder / "tile" / "entries" / "001").unlink()
    assert "entries_missing" in codes(check_log(reader, [KEY.verifier_key]))
    _Handler.status = 401
    with pytest.raises(LogUnreadable, match="token"):
        check_log(reader)
    _Handler.status = 500
    with pytest.raises(LogUnreadable, match="500"):
        check_log(reader)
    _Handler.status = 503
    with pytest.raises(LogUnreadable, match="503"):
        check_log(reader)
    reader.close()


def test_nobody_at_the_address_is_said() -> None:
    with pytest.raises(LogUnreadable, match="ConnectionRefusedError"):
        check_log(UrlReader("http://127.0.0.1:9"))


def test_a_kept_checkpoint_must_be_signed_whatever_it_says(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", ENTRIES[:300], kept=[100])
    place = folder / "checkpoints" / f"{100:020d}"
    honest = place.read_bytes()
    place.write_bytes(sign(ENTRIES[:100], STRANGER))
    assert codes(check(folder)) == {"checkpoint_unsigned"}
    text, _, line = honest.rpartition(b" ")
    place.write_bytes(text + b" " + line[:20] + (b"A" if line[20:21] != b"A" else b"B") + line[21:])
    assert codes(check(folder)) == {"checkpoint_invalid"}
    place.write_bytes(honest)
    assert codes(check(folder)) == set()


def cosigned(folder: Path, *who: int, at: datetime) -> None:
    """Have witnesses of test_attestation's policy cosign the newest checkpoint."""
    head = folder / "checkpoint"
    text = note.parse_note(head.read_bytes()).text
    seconds = int(at.timestamp())
    lines = [
        note.format_signature_line(
            pack_cosignature(KEYS[n], seconds, WITNESSES[n].sign(cosigned_message(text, seconds)))
        )
        for n in who
    ]
    head.write_bytes(head.read_bytes() + "".join(lines).encode())


def test_whoever_the_policy_names_counts_as_a_witness_of_the_newest_checkpoint(tmp_path: Path) -> None:
    folder, seen = write_log(tmp_path / "log", ENTRIES[:300]), datetime(2026, 4, 1, 8, tzinfo=UTC)
    ask = partial(check_log, DirectoryReader(str(folder)), [KEY.verifier_key], now=NOW)
    assert codes(ask(policy=POLICY)) == {"quorum_missed"}
    cosigned(folder, 0, 1, at=seen)
    report = ask(policy=POLICY)
    assert (report.verdict, report.witnesses) == ("VALID", {"w1": seen, "w2": seen})
    assert report.plain()["level"] == {"signed": True, "witnesses": 2, "witnesses_of": 2, "time_stamps": 0}
    assert report.lines("en")[-4:] == [
        "The newest checkpoint was witnessed by w1 at 2026-04-01T08:00:00Z.",
        "The newest checkpoint was witnessed by w2 at 2026-04-01T08:00:00Z.",
        "Level: signed; witnesses 2 of 2; time stamps 0.",
        "VALID",
    ]
    # without a policy nobody counts, and who signed is said
    alone = ask()
    assert (alone.verdict, alone.witnesses, len(alone.unknown)) == ("VALID", {}, 2)
    assert codes(ask(policy=POLICY, now=datetime(2026, 3, 1, tzinfo=UTC))) == {"cosignature_future", "quorum_missed"}


def test_a_policy_pins_its_log_where_no_key_is_given(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", ENTRIES[:10])
    own, other = (parse_policy(f"log {key.vkey}\nquorum none\n") for key in (KEY, STRANGER))
    assert check_log(DirectoryReader(str(folder)), policy=own).verdict == "VALID"
    assert codes(check_log(DirectoryReader(str(folder)), policy=other)) == {"checkpoint_unsigned"}
    place = tmp_path / "policy"
    place.write_text(f"log {KEY.vkey}\nquorum none\n", encoding="utf-8")
    text, code = verify_anything(str(folder), key=None, policy=str(place), lang="en", is_json=False)
    assert (code, text.splitlines()[-1]) == (0, "VALID")
    ran = CliRunner().invoke(main, ["log", "verify", str(folder), "--policy", str(place)])
    assert (ran.exit_code, ran.output.splitlines()[-1]) == (0, "VALID")
    place.write_text("witness\n", encoding="utf-8")
    assert verify_anything(str(folder), key=None, policy=str(place), lang="en", is_json=False)[1] == 2
    refused = CliRunner().invoke(main, ["log", "verify", str(folder), "--policy", str(place)])
    assert refused.exit_code == 2 and "bad_policy" in refused.output

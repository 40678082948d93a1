"""Attacks of the list on bundles, the published log and its checkpoints that have no test beside their kin."""

from __future__ import annotations

import base64
import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import signing
from archive_service.domain import manifest, merkle, note
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.verifier.log_directory import DirectoryReader, check_log
from archive_service.verifier.verify import INVALID, VALID
from tests.bundling.dossier_builder import LOG_KEY, RECEIPT_KEY, Builder, Fields
from tests.log_maker import make_events
from tests.verifier.forger import Files, check, pack, unpack
from tests.verifier.static_log import KEY, ORIGIN, sign, write, write_log
from tests.verifier.test_attacks import signing as another_checkpoint

EVENTS = make_events(ORIGIN, 300, datetime(2026, 3, 12, tzinfo=UTC), streams=3)
ENTRIES = [event.data for event in EVENTS]
STRANGER = signing.named(Ed25519PrivateKey.from_private_bytes(b"\2" * 32), ORIGIN)


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return Builder().play().bundle()


def codes_of(bundle: bytes) -> set[str]:
    report = check(bundle, LOG_KEY)
    assert (report.verdict, report.exit_code) == (INVALID, 1)
    return {d.code for d in report.discrepancies}


def codes_of_log(folder: Path, *, since: bytes | None = None) -> set[str]:
    report = check_log(DirectoryReader(str(folder)), [KEY.verifier_key], since=since)
    return {d.code for d in report.discrepancies}


def repacked(bundle: bytes, change: Callable[[Files], None]) -> bytes:
    folder, files = unpack(bundle)
    change(files)
    return pack(folder, files)


# events --------------------------------------------------------------------------------------------------------------


def previous_is_another_event(b: Builder, fields: Fields) -> None:
    """An event names a real event before it, but not the one before it."""
    if fields["type"] == "step.judged" and fields["payload"]["step"] == "5":
        fields["prev"] = b.streams[f"dossier:{b.id}"][3].leaf_hash


def sequence_leaps(_: Builder, fields: Fields) -> None:
    if fields["type"] == "step.judged" and fields["payload"]["step"] == "5":
        fields["seq"] += 1


def acts_by_anothers_assignment(b: Builder, fields: Fields) -> None:
    """A real assignment of the same role, in force, and another person's."""
    if fields["type"] == "step.submitted" and fields["payload"]["step"] == "5":
        fields["actor"]["assignment"] = b.made[("agus", "sakip_team")]


RESIGNED: dict[str, tuple[Callable[[Builder, Fields], None], str]] = {
    "previous is another event": (previous_is_another_event, "chain_broken"),
    "sequence leaps": (sequence_leaps, "seq_differs"),
    "another person's assignment": (acts_by_anothers_assignment, "assignment_unknown"),
}


@pytest.mark.parametrize("name", RESIGNED)
def test_an_event_that_breaks_its_chain_or_authority_is_found(name: str) -> None:
    tamper, code = RESIGNED[name]
    builder = Builder(tamper)
    builder.play()
    assert code in codes_of(builder.bundle())


def with_event(data: bytes, change: Callable[[bytes], bytes], line: int = 2) -> bytes:
    lines = data.splitlines(keepends=True)
    changed = change(lines[line][:-1]) + b"\n"
    assert changed != lines[line]
    return b"".join([*lines[:line], changed, *lines[line + 1 :]])


def reordered(data: bytes) -> bytes:
    value = json.loads(data)
    return json.dumps(dict(reversed(value.items())), separators=(",", ":"), ensure_ascii=False).encode()


def numbered(text: bytes) -> Callable[[bytes], bytes]:
    """The first integer of the event written otherwise."""

    def change(data: bytes) -> bytes:
        head, _, tail = data.partition(b'"seq":')
        return head + b'"seq":' + text + tail.lstrip(b"0123456789")

    return change


def worded(text: bytes) -> Callable[[bytes], bytes]:
    """The event's type written otherwise."""

    def change(data: bytes) -> bytes:
        head, _, tail = data.partition(b'"type":"')
        return head + b'"type":"' + text + tail

    return change


JSON_TRICKS: dict[str, Callable[[bytes], bytes]] = {
    "duplicate keys": lambda d: d[:-1] + b',"v":1}',
    "order": reordered,
    "white space": lambda d: d.replace(b'"seq":', b'"seq": ', 1),
    "escapes": lambda d: (
        d.replace(b'"type":"', b'"type":"\\u0073', 1).replace(b"\\u0073s", b"\\u0073", 1)
        if b'"type":"s' in d
        else worded(b"\\u0064")(d)
    ),
    "2^53+1": numbered(b"9007199254740993"),
    "1.0": numbered(b"1.0"),
    "-0": numbered(b"-0"),
    "NaN": numbered(b"NaN"),
    "lone surrogate": worded(b"\\ud800"),
    "byte order mark": lambda d: b"\xef\xbb\xbf" + d,
    "trailing byte": lambda d: d + b" ",
}


@pytest.mark.parametrize("name", JSON_TRICKS)
def test_json_written_otherwise_is_no_event(bundle: bytes, tmp_path: Path, name: str) -> None:
    trick = JSON_TRICKS[name]
    changed = repacked(bundle, lambda f: f.update({manifest.EVENTS: with_event(f[manifest.EVENTS], trick)}))
    assert "event_invalid" in codes_of(changed)
    # and in a log that was signed anew with the real key over these very bytes
    entries = [*ENTRIES[:-1], trick(ENTRIES[-1])]
    assert "event_invalid" in codes_of_log(write_log(tmp_path / "log", entries))


def test_text_in_another_normal_form_opens_no_commitment_and_is_not_the_event(bundle: bytes, tmp_path: Path) -> None:
    def decompose(files: Files) -> None:
        listed = json.loads(files[manifest.OPENINGS])
        listed[0]["value"] += "e\u0301"
        files[manifest.OPENINGS] = json.dumps(
            listed, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    assert "opening_differs" in codes_of(repacked(bundle, decompose))


LINE_ENDS: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "events with CRLF": (manifest.EVENTS, lambda b: b.replace(b"\n", b"\r\n"), "event_invalid"),
    "an empty line between events": (manifest.EVENTS, lambda b: b.replace(b"\n", b"\n\n", 1), "event_invalid"),
    "checkpoint with CRLF": (manifest.CHECKPOINT, lambda b: b.replace(b"\n", b"\r\n"), "checkpoint_invalid"),
    "checkpoint without its last newline": (manifest.CHECKPOINT, lambda b: b[:-1], "checkpoint_invalid"),
    "keys with CRLF": (manifest.KEYS, lambda b: b.replace(b"\n", b"\r\n"), "keys_invalid"),
    "a line separator in the checkpoint": (
        manifest.CHECKPOINT,
        lambda b: b.replace(b"\n", "\u2028".encode(), 1),
        "checkpoint_invalid",
    ),
}


@pytest.mark.parametrize("name", LINE_ENDS)
def test_lines_that_end_otherwise_are_found(bundle: bytes, name: str) -> None:
    path, change, code = LINE_ENDS[name]
    assert code in codes_of(repacked(bundle, lambda f: f.update({path: change(f[path])})))


def on_signature(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """The base64 of the last signature line written otherwise."""

    def do(data: bytes) -> bytes:
        head, _, last = data.decode().rstrip("\n").rpartition(" ")
        return f"{head} {change(last)}\n".encode()

    return do


def other_last_bits(text: str) -> str:
    """The same bytes, with bits set that base64 passes over."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    assert len(body) < len(text)
    changed = body[:-1] + alphabet[alphabet.index(body[-1]) ^ 1] + "=" * (len(text) - len(body))
    assert base64.b64decode(changed) == base64.b64decode(text)
    return changed


BASE64: dict[str, Callable[[str], str]] = {
    "bits that are passed over": other_last_bits,
    "no padding": lambda t: t.rstrip("="),
    "more padding": lambda t: t + "=",
    "a space within": lambda t: t[:8] + " " + t[8:],
    "letters of URLs": lambda t: "-_" + t[2:],
    "a byte more": lambda t: base64.b64encode(base64.b64decode(t) + b"\0").decode(),
    "a byte less": lambda t: base64.b64encode(base64.b64decode(t)[:-1]).decode(),
    "nothing": lambda t: "",
}


@pytest.mark.parametrize("name", BASE64)
def test_base64_written_otherwise_signs_nothing(bundle: bytes, tmp_path: Path, name: str) -> None:
    change = on_signature(BASE64[name])
    found = codes_of(repacked(bundle, lambda f: f.update({manifest.CHECKPOINT: change(f[manifest.CHECKPOINT])})))
    assert found & {"checkpoint_invalid", "checkpoint_unsigned"}
    folder = write_log(tmp_path / "log", ENTRIES[:5])
    write(folder, "checkpoint", change((folder / "checkpoint").read_bytes()))
    assert codes_of_log(folder) & {"checkpoint_invalid", "checkpoint_unsigned"}


# checkpoints -----------------------------------------------------------------------------------------------------------


def test_a_fork_at_the_same_size_is_found_by_a_checkpoint_kept_elsewhere(tmp_path: Path) -> None:
    moved = make_events(ORIGIN, 300, datetime(2026, 3, 12, 0, 0, 1, tzinfo=UTC), streams=3)
    folder = write_log(tmp_path / "log", [event.data for event in moved])
    assert codes_of_log(folder) == set(), "by itself the fork is a log like any other"
    assert codes_of_log(folder, since=sign(ENTRIES)) == {"no_prefix"}


def test_an_old_valid_checkpoint_is_found_by_a_newer_one(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", ENTRIES[:200])
    assert codes_of_log(folder) == set(), "by itself it is the log of an earlier day"
    assert codes_of_log(folder, since=sign(ENTRIES)) == {"log_shrunk"}


def test_an_old_checkpoint_does_not_cover_the_dossier() -> None:
    builder = Builder()
    builder.play()
    old = len(builder.leaves) - 5
    evidence = builder.evidence()
    head = LOG_KEY.sign(format_checkpoint(Checkpoint(ORIGIN, old, merkle.root_hash(builder.leaves[:old]))))
    assert codes_of(builder.bundle(replace(evidence, checkpoint=head))) & {"tree_size_differs", "not_in_log"}


def forged_line(key_id: bytes, signer: signing.SigningKey, text: str) -> bytes:
    """A note whose line names the real key, id and all, over a signature that another key made."""
    assert signer.private_key is not None
    line = note.NoteSignature(KEY.verifier_key.name, key_id, signer.private_key.sign(text.encode()))
    return note.format_note(text, (line,))


def test_another_key_under_the_real_ones_name_and_id_signs_nothing(bundle: bytes, tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", ENTRIES[:5])
    text = format_checkpoint(Checkpoint(ORIGIN, 5, merkle.root_hash([merkle.leaf_hash(e) for e in ENTRIES[:5]])))
    write(folder, "checkpoint", forged_line(KEY.verifier_key.key_id, STRANGER, text))
    assert "checkpoint_invalid" in codes_of_log(folder)
    write(folder, "checkpoint", STRANGER.sign(text))
    assert "checkpoint_unsigned" in codes_of_log(folder)

    def forge(files: Files) -> None:
        signed = note.parse_note(files[manifest.CHECKPOINT]).text
        files[manifest.CHECKPOINT] = forged_line(LOG_KEY.verifier_key.key_id, STRANGER, signed)

    assert codes_of(repacked(bundle, forge)) & {"checkpoint_invalid", "checkpoint_unsigned"}


@pytest.mark.parametrize("algorithm", [0x00, 0x02, 0x04, 0x06, 0x7F, 0xFF])
def test_a_key_of_another_algorithm_is_no_key_of_a_log(algorithm: int) -> None:
    public = bytes([algorithm]) + KEY.verifier_key.public_key
    key_id = sha256(ORIGIN.encode() + b"\n" + public).digest()[:4].hex()
    text = f"{ORIGIN}+{key_id}+{base64.b64encode(public).decode()}"
    with pytest.raises(note.NoteError):
        note.parse_vkey(text)


def empty(b: Builder, evidence: Any) -> Any:
    return another_checkpoint(lambda c: format_checkpoint(Checkpoint(c.origin, 0, merkle.EMPTY_ROOT)), LOG_KEY)(
        b, evidence
    )


def test_an_empty_tree_holds_no_dossier(tmp_path: Path) -> None:
    builder = Builder()
    builder.play()
    assert codes_of(builder.bundle(empty(builder, builder.evidence()))) & {
        "tree_size_differs",
        "not_in_log",
        "checkpoint_invalid",
        "proof_invalid",
    }
    folder = write_log(tmp_path / "log", ENTRIES[:5])
    head = KEY.sign(format_checkpoint(Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)))
    write(folder, "checkpoint", head)
    assert codes_of_log(folder) & {"log_shrunk", "checkpoint_invalid"}, "the kept checkpoint knows five"
    assert codes_of_log(folder, since=sign(ENTRIES[:5]))


def test_an_export_without_its_last_event_or_its_middle_is_found(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", ENTRIES)
    last = folder / "tile/entries/001.p/44"
    whole = last.read_bytes()
    last.write_bytes(whole[: -len(ENTRIES[-1]) - 2])
    assert "entries_invalid" in codes_of_log(folder)
    last.unlink()
    assert "entries_missing" in codes_of_log(folder)
    last.write_bytes(whole)
    (folder / "tile/entries/000").unlink()
    assert "entries_missing" in codes_of_log(folder)


# containers ------------------------------------------------------------------------------------------------------------


def zipped(
    bundle: bytes, change: Callable[[zipfile.ZipFile, str], None], compression: int = zipfile.ZIP_STORED
) -> bytes:
    """The bundle written by Python's zipfile, and something more in it."""
    folder, files = unpack(bundle)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as package:
        for path, data in files.items():
            package.writestr(zipfile.ZipInfo(f"{folder}/{path}"), data)
        change(package, folder)
    return out.getvalue()


def symlink(package: zipfile.ZipFile, folder: str) -> None:
    info = zipfile.ZipInfo(f"{folder}/data/link")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    package.writestr(info, "/etc/passwd")


def deflated_bomb(package: zipfile.ZipFile, folder: str) -> None:
    info = zipfile.ZipInfo(f"{folder}/data/bomb")
    info.compress_type = zipfile.ZIP_DEFLATED
    package.writestr(info, bytes(64 * 1024 * 1024))


@pytest.mark.parametrize("name", ["symlink", "deflated_bomb", "nothing"])
def test_a_container_of_another_making_is_refused_soon(bundle: bytes, name: str) -> None:
    changes = {"symlink": symlink, "deflated_bomb": deflated_bomb, "nothing": lambda *_: None}
    data = zipped(bundle, changes[name])
    tracemalloc.start()
    begun = time.process_time()
    assert "container_damaged" in codes_of(data)
    spent, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spent < 5 and peak < 16 * 1024 * 1024


def test_slack_between_files_is_found(bundle: bytes) -> None:
    place = bundle.index(manifest.LOCAL_SIGNATURE, 10)
    assert "container_damaged" in codes_of(bundle[:place] + b"hidden" + bundle[place:])


def test_a_file_that_no_manifest_lists_is_found(bundle: bytes) -> None:
    folder, files = unpack(bundle)
    files["data/evidence/more.txt"] = b"x"
    assert codes_of(pack(folder, files, remake_bag=False)) & {
        "file_extra",
        "bag_file_differs",
        "bag_order",
        "file_unlisted",
    }
    assert "file_extra" in codes_of(pack(folder, files))


def test_every_honest_start_of_these_attacks_is_valid(bundle: bytes, tmp_path: Path) -> None:
    assert check(bundle, LOG_KEY).verdict == VALID
    assert codes_of_log(write_log(tmp_path / "log", ENTRIES)) == set()
    assert RECEIPT_KEY.vkey != LOG_KEY.vkey


def test_the_forgers_own_verifier_is_named(bundle: bytes) -> None:
    def replace_verifier(files: Files) -> None:
        files[manifest.VERIFIER] = b"print('VALID')\n"

    report = check(repacked(bundle, replace_verifier), LOG_KEY)
    assert report.contained_verifier == sha256(b"print('VALID')\n").hexdigest()
    assert report.contained_verifier in "\n".join(report.lines("en"))

"""Attacks of the list on database and store: what ``log audit`` says, and where the sequencer stops."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from archive_service.domain import canonical, merkle, note, tiles
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.event import Event, parse_event
from archive_service.errors import LogIntegrityError
from archive_service.services import audit, log, publication, stored_evidence
from archive_service.verifier.log_directory import DirectoryReader, check_log
from tests.attacks.at_random import seeded_office, settle
from tests.full_archive import drop_guards
from tests.office import Office, open_office


@pytest.fixture(autouse=True)
def nobody_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of a checkpoint is not waited for: no log runs beside these tests."""
    monkeypatch.setattr(stored_evidence, "ROW_FOLLOWS_SECONDS", 0)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one dossier, signed twice, and the log exported after the first time."""
    folder: Path = tmp_path_factory.mktemp("template")
    with seeded_office(folder / "var", "template") as office:
        settle(office)
        publication.export_log(office.archive, folder=folder / "earlier")
        shutil.copytree(folder / "var", folder / "backup")
        office.play("2")
        settle(office)
        publication.export_log(office.archive, folder=folder / "later")
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "x")
    return tmp_path / "x"


@pytest.fixture
def office(folder: Path) -> Iterator[Office]:
    made = open_office(folder / "var", "2026-04-20T09:00")
    yield made
    made.archive.db.close()


class Forger:
    """Somebody who owns database and store: writes whatever they like, and keeps the rest consistent where told to."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.sql = sqlite3.connect(folder / "archive.db")
        drop_guards(self.sql)

    def entries(self) -> list[bytes]:
        """The events in the order of the leaves."""
        found = self.sql.execute("select e.data from log_leaf l join event e using (leaf_hash) order by leaf_index")
        return [data for (data,) in found]

    def events(self, stream: str = "dossier:%") -> list[Event]:
        """The events of a stream."""
        found = self.sql.execute("select data from event where stream like ? order by stream, seq", (stream,))
        return [parse_event(data) for (data,) in found]

    def rehash(self, old: str, data: bytes) -> str:
        """Put other bytes under an event's row, with all that names the event by its hash in the database."""
        event = parse_event(data)
        self.sql.execute(
            "update event set data = ?, leaf_hash = ?, type = ?, seq = ?, stream = ? where leaf_hash = ?",
            (data, event.leaf_hash, event.type, event.seq, event.stream, old),
        )
        for table, column in (("log_leaf", "leaf_hash"), ("opening", "event_hash"), ("stream", "head")):
            self.sql.execute(f"update {table} set {column} = ? where {column} = ?", (event.leaf_hash, old))
        return event.leaf_hash

    def rebuild(self) -> None:
        """Tiles in database and store that fit the leaves."""
        entries = self.entries()
        hashes = [merkle.leaf_hash(entry) for entry in entries]
        built: dict[tuple[int, int], bytes] = {}
        built.update(tiles.append_leaves(0, hashes, lambda level, index: built[(level, index)]))
        self.sql.execute("delete from log_tile")
        for (level, index), content in built.items():
            self.sql.execute(
                "insert into log_tile (level, tile_index, hashes) values (?, ?, ?)", (level, index, content)
            )
        for path in (self.store / "log" / "tile").rglob("*"):
            name = tiles.parse_tile_path(path.relative_to(self.store / "log").as_posix()) if path.is_file() else None
            if name is None:
                continue
            path.unlink()
            if name.level is None:
                path.write_bytes(tiles.format_entries(entries[: name.width]))
            else:
                path.write_bytes(built[(name.level, name.index)][: name.width * 32])

    def resign(self, office: Office) -> None:
        """Every checkpoint in database and store signed anew with the real key over the leaves as they are."""
        hashes = [merkle.leaf_hash(entry) for entry in self.entries()]
        for (size,) in self.sql.execute("select size from checkpoint").fetchall():
            root = merkle.root_hash(hashes[:size])
            signed = office.archive.log_key.sign(format_checkpoint(Checkpoint(office.archive.log.origin, size, root)))
            self.sql.execute("update checkpoint set root = ?, note = ? where size = ?", (root.hex(), signed, size))
            kept = self.store / "log" / "checkpoints" / f"{size:020d}"
            kept.unlink()
            kept.write_bytes(signed)

    def done(self) -> None:
        """Leave."""
        self.sql.commit()
        self.sql.close()


def changed(event: Event, **changes: object) -> bytes:
    return canonical.encode({**canonical.decode(event.data), **changes})


def codes_of(office: Office, *, with_objects: bool = True) -> set[str]:
    return {d.code for d in audit.check_archive(office.archive, with_objects=with_objects).discrepancies}


def test_the_archive_is_clean_before_it_is_attacked(office: Office) -> None:
    assert codes_of(office) == set()


# events in the database ------------------------------------------------------------------------------------------------


def edit(f: Forger) -> None:
    event = f.events()[3]
    f.rehash(event.leaf_hash, changed(event, at=event.at[:-2] + "9Z"))


def insert(f: Forger) -> None:
    last = f.events()[-1]
    data = changed(last, seq=last.seq + 1, prev=last.leaf_hash, id=last.id[:-1] + ("0" if last.id[-1] != "0" else "1"))
    event = parse_event(data)
    f.sql.execute(
        "insert into event (id, stream, seq, type, at, leaf_hash, data) select ?, stream, ?, type, at, ?, ? from event where leaf_hash = ?",
        (event.id, event.seq, event.leaf_hash, data, last.leaf_hash),
    )


def delete(f: Forger) -> None:
    f.sql.execute("delete from event where leaf_hash = ?", (f.events()[3].leaf_hash,))


def exchange(f: Forger, change_seq: bool = False) -> None:
    one, two = f.events()[3:5]
    f.sql.execute("update event set seq = -1, data = ? where leaf_hash = ?", (two.data, one.leaf_hash))
    f.sql.execute("update event set data = ? where leaf_hash = ?", (one.data, two.leaf_hash))
    f.sql.execute("update event set seq = ? where leaf_hash = ?", (one.seq, one.leaf_hash))


def reorder(f: Forger) -> None:
    """Two leaves of one stream change places."""
    one, two = f.events()[3:5]
    f.sql.execute("update log_leaf set leaf_hash = 'x' where leaf_hash = ?", (one.leaf_hash,))
    f.sql.execute("update log_leaf set leaf_hash = ? where leaf_hash = ?", (one.leaf_hash, two.leaf_hash))
    f.sql.execute("update log_leaf set leaf_hash = ? where leaf_hash = 'x'", (two.leaf_hash,))


def edit_with_bundle_and_tile(f: Forger) -> None:
    edit(f)
    f.rebuild()


def truncate(f: Forger) -> None:
    """The last event goes, and with it all that the database knows of it."""
    size = len(f.entries())
    last = parse_event(f.entries()[-1])
    for table, column in (("event", "leaf_hash"), ("log_leaf", "leaf_hash"), ("opening", "event_hash")):
        f.sql.execute(f"delete from {table} where {column} = ?", (last.leaf_hash,))
    f.sql.execute("update stream set next_seq = ?, head = ? where name = ?", (last.seq, last.prev, last.stream))
    f.sql.execute("delete from checkpoint where size = ?", (size,))


def replay(f: Forger) -> None:
    """An event of a person appears at the end of another's stream, with a row of its own."""
    event = f.events("person:%")[0]
    f.sql.execute(
        "insert into event (id, stream, seq, type, at, leaf_hash, data) select ?, stream, 99, type, at, ?, data from event where leaf_hash = ?",
        ("0" * 32, "ab" * 32, event.leaf_hash),
    )


def from_another_log(f: Forger) -> None:
    event = f.events()[-1]
    f.rehash(event.leaf_hash, changed(event, origin="another.test/log"))


def repeat_id(f: Forger) -> None:
    one, two = f.events()[-2:]
    f.rehash(two.leaf_hash, changed(two, id=one.id))


def leave_out_a_leaf(f: Forger) -> None:
    f.sql.execute("delete from log_leaf where leaf_index = (select max(leaf_index) from log_leaf)")


def erase_without_event(f: Forger) -> None:
    f.sql.execute("delete from opening where field = 'title'")


def swap_openings(f: Forger) -> None:
    rows = f.sql.execute(
        "select rowid, value, salt from opening where field = 'name' order by rowid limit 2"
    ).fetchall()
    for (rowid, _, _), (_, value, salt) in zip(rows, reversed(rows), strict=True):
        f.sql.execute("update opening set value = ?, salt = ? where rowid = ?", (value, salt, rowid))


def change_column(f: Forger) -> None:
    f.sql.execute("update step_run set due_at = '2027-01-01 00:00:00.000000' where step = '2'")


def change_document(f: Forger) -> None:
    place = sorted((f.store / "objects").iterdir())[0]
    place.chmod(0o600)
    place.write_bytes(place.read_bytes() + b" ")


def change_document_and_place(f: Forger) -> None:
    """The bytes, and the digest that says where they lie: the event still names the old one."""
    change_document(f)
    place = sorted((f.store / "objects").iterdir())[0]
    digest = sha256(place.read_bytes()).hexdigest()
    f.sql.execute("update location set digest = ? where key = ?", (digest, f"objects/{place.name}"))


def end_export_early(f: Forger) -> None:
    partial = max((f.store / "log/tile/entries/000.p").iterdir(), key=lambda path: int(path.name))
    partial.unlink()


ATTACKS: dict[str, tuple[Callable[[Forger], None], str]] = {
    "edit": (edit, "chain_broken"),
    "insert": (insert, "event_not_in_tree"),
    "delete": (delete, "leaf_differs"),
    "exchange": (exchange, "event_row_differs"),
    "reorder": (reorder, "leaf_order"),
    "edit with bundle and tile": (edit_with_bundle_and_tile, "checkpoint_differs"),
    "truncate": (truncate, "kept_checkpoint_differs"),
    "replay": (replay, "event_row_differs"),
    "event of another log": (from_another_log, "origin_differs"),
    "id twice": (repeat_id, "id_twice"),
    "leaf left out": (leave_out_a_leaf, "event_not_in_tree"),
    "erased without an event": (erase_without_event, "opening_missing"),
    "openings swapped": (swap_openings, "opening_differs"),
    "column changed": (change_column, "column_differs"),
    "document changed": (change_document, "object_damaged"),
    "document and its place changed": (change_document_and_place, "object_unlocated"),
    "published entries gone": (end_export_early, "published_missing"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_audit_names_what_was_done_behind_the_services_back(folder: Path, office: Office, name: str) -> None:
    attack, code = ATTACKS[name]
    forger = Forger(folder / "var")
    attack(forger)
    forger.done()
    assert code in codes_of(office)


# what only a checkpoint from elsewhere shows ----------------------------------------------------------------------------


def test_a_history_rewritten_with_the_real_key_is_found_by_an_earlier_checkpoint(folder: Path, office: Office) -> None:
    forger = Forger(folder / "var")
    hashes: dict[str, str] = {}
    for event in forger.events("dossier:%"):
        # the times of the whole dossier move, and every chain, tile and signature follows
        prev = hashes.get(event.prev, event.prev)
        moved = changed(event, at=f"{event.at[:-2]}9Z", prev=prev)
        hashes[event.leaf_hash] = forger.rehash(event.leaf_hash, moved)
    forger.rebuild()
    forger.resign(office)
    forger.done()
    exported = folder / "rewritten"
    publication.export_log(office.archive, folder=exported)
    key = office.archive.log_key.verifier_key
    assert check_log(DirectoryReader(str(exported)), [key]).discrepancies == [], "the log alone cannot show it"
    since = (folder / "later" / "checkpoint").read_bytes()
    found = check_log(DirectoryReader(str(exported)), [key], since=since).discrepancies
    assert {d.code for d in found} == {"no_prefix"}


def test_a_roll_back_of_everything_is_found_by_a_later_checkpoint(folder: Path) -> None:
    office = open_office(folder / "backup", "2026-04-20T09:00")
    key = office.archive.log_key.verifier_key
    assert codes_of(office) == set(), "database and store agree: nothing here can show it"
    office.archive.db.close()
    since = (folder / "later" / "checkpoint").read_bytes()
    earlier = DirectoryReader(str(folder / "earlier"))
    assert check_log(earlier, [key]).discrepancies == []
    assert {d.code for d in check_log(earlier, [key], since=since).discrepancies} == {"log_shrunk"}


# where the sequencer stops -----------------------------------------------------------------------------------------------


def stop_code(office: Office) -> str:
    with pytest.raises(LogIntegrityError) as caught:
        log.CheckpointSigner(office.archive).sign()
    return caught.value.code


def test_a_database_restored_from_a_backup_signs_nothing(folder: Path) -> None:
    shutil.copy(folder / "backup" / "archive.db", folder / "var" / "archive.db")
    for name in ("archive.db-wal", "archive.db-shm"):
        (folder / "var" / name).unlink(missing_ok=True)
    office = open_office(folder / "var", "2026-04-20T09:00")
    assert stop_code(office) == "log_shrunk"
    office.archive.db.close()


def test_an_old_checkpoint_under_a_later_name_does_not_hide_the_newest(folder: Path) -> None:
    shutil.copy(folder / "backup" / "archive.db", folder / "var" / "archive.db")
    for name in ("archive.db-wal", "archive.db-shm"):
        (folder / "var" / name).unlink(missing_ok=True)
    kept = sorted((folder / "var" / "store" / "log" / "checkpoints").iterdir())
    shutil.copy(kept[0], kept[0].with_name("9" * 20))
    office = open_office(folder / "var", "2026-04-20T09:00")
    assert stop_code(office) == "checkpoint_misnamed"
    office.archive.db.close()


def test_a_checkpoint_by_another_key_of_the_same_name_signs_nothing(folder: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from archive_service.signing import named

    office = open_office(folder / "var", "2026-04-20T09:00")
    stranger = named(Ed25519PrivateKey.generate(), office.archive.log.origin)
    kept = max((folder / "var" / "store" / "log" / "checkpoints").iterdir())
    text = note.parse_note(kept.read_bytes()).text
    kept.unlink()
    kept.write_bytes(stranger.sign(text))
    assert stop_code(office) == "checkpoint_foreign"
    assert "kept_checkpoint_differs" in codes_of(office)
    assert "checkpoint_damaged" in {
        d.code for d in audit.check_archive(replace(office.archive, log_key=stranger)).discrepancies
    }
    office.archive.db.close()

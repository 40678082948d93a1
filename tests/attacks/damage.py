"""Random damage to what an archive keeps: one change, made from a seed, that can be taken back.

A change that leaves what is read as it was is no damage, and another one is drawn: ``00:00:00.000000`` is the same instant as
``00:00:00``, a row of numbers that are all zero adds nothing. Nothing else is passed over, but for what these say:

* the file ``vkey`` of an exported log is not read by whoever pins the key, and says nothing to whoever does not;
* a kept checkpoint that is *missing* from an exported log is shown by ``log audit`` (the table knows it), not by the folder alone, and a file
  in the folder that no checkpoint needs is not part of the log;
* operational columns prove nothing, and are not tried.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from archive_service.db.models import Base, QualityCountRow, UtcDateTime
from archive_service.domain import manifest
from tests.full_archive import EVIDENCED, drop_guards
from tests.verifier.forger import Files, pack, unpack

Undo = Callable[[], None]

MEASURES = [
    column.name
    for column in Base.metadata.tables["quality_count"].columns
    if column.info["declared"] == "evidenced" and column.name not in {"sop", "step", "work_unit_id", "year", "quarter"}
]
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCXYZ -:._/é"
ATTEMPTS = 200


@dataclass(frozen=True)
class Damage:
    """What was done, in words that name the place."""

    text: str


def change_bytes(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """Other bytes than these: a bit, a piece, a cut, a copy, something else altogether."""
    for _ in range(ATTEMPTS):
        changed = bytearray(data)
        place = chance.randrange(len(data)) if data else 0
        junk = chance.randbytes(chance.randint(1, 12))
        kind = chance.choice(
            ["bit", "bit", "bit", "overwrite", "insert", "delete", "copy", "cut", "append", "empty", "other"]
        )
        if kind == "bit" and data:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == "overwrite":
            changed[place : place + len(junk)] = junk
        elif kind == "insert":
            changed[place:place] = junk
        elif kind == "delete":
            del changed[place : place + len(junk)]
        elif kind == "copy" and data:
            source = chance.randrange(len(data))
            changed[place : place + 40] = changed[source : source + 40]
        elif kind == "cut":
            del changed[place:]
        elif kind == "append":
            changed += junk
        elif kind == "empty":
            changed.clear()
        elif others:
            changed[:] = chance.choice(others)
        if changed != data:
            return bytes(changed)
    raise AssertionError("these bytes cannot be changed")


# database ----------------------------------------------------------------------------------------------------------


class DamagedDatabase:
    """The SQLite file of an archive, its guards taken away, and a clean copy of it in memory."""

    def __init__(self, path: Path) -> None:
        self._work = sqlite3.connect(path, isolation_level=None)
        self._work.execute("pragma synchronous = off")
        drop_guards(self._work)
        self._clean = sqlite3.connect(":memory:")
        self._work.backup(self._clean)

    def undo(self) -> None:
        """Bring the clean copy back."""
        self._clean.backup(self._work)

    def close(self) -> None:
        """Leave the file."""
        self._work.close()
        self._clean.close()

    def damage(self, chance: random.Random) -> Damage:
        """Change the value of an evidenced column, drop a row, add one, or exchange two values."""
        for _ in range(ATTEMPTS):
            kind = chance.choice(["value"] * 7 + ["drop", "add", "exchange"])
            table, column = chance.choice(EVIDENCED)
            before = self._meaning(table)
            self._work.execute("begin")
            try:
                text = getattr(self, f"_{kind}")(chance, table, column)
            except (sqlite3.IntegrityError, sqlite3.OperationalError, OverflowError, IndexError):
                # a constraint refuses it, or the table is empty
                text = None
            if text is not None and self._meaning(table) != before:
                self._work.execute("commit")
                return Damage(f"{table}.{column} {kind}: {text}")
            self._work.execute("rollback")
        raise AssertionError("nothing in this database can be damaged")

    def _pick(self, chance: random.Random, table: str) -> int:
        rows = [row for (row,) in self._work.execute(f'select rowid from "{table}" order by rowid')]
        return int(chance.choice(rows))

    def _read(self, table: str, column: str, row: int) -> Any:
        return self._work.execute(f'select "{column}" from "{table}" where rowid = ?', (row,)).fetchone()[0]

    def _write(self, table: str, column: str, row: int, value: Any) -> None:
        self._work.execute(f'update "{table}" set "{column}" = ? where rowid = ?', (value, row))

    def _value(self, chance: random.Random, table: str, column: str) -> str:
        row = self._pick(chance, table)
        value = self._read(table, column, row)
        others = [v for (v,) in self._work.execute(f'select distinct "{column}" from "{table}" order by 1')]
        changed = _other_value(chance, value, others)
        self._write(table, column, row, changed)
        return f"row {row}: {_short(value)} -> {_short(changed)}"

    def _drop(self, chance: random.Random, table: str, column: str) -> str:
        row = self._pick(chance, table)
        self._work.execute(f'delete from "{table}" where rowid = ?', (row,))
        return f"row {row}"

    def _add(self, chance: random.Random, table: str, column: str) -> str | None:
        row = self._pick(chance, table)
        columns = Base.metadata.tables[table].columns
        values = dict(
            zip(
                [c.name for c in columns],
                self._work.execute(
                    f'select {", ".join(_quoted(c.name) for c in columns)} from "{table}" where rowid = ?', (row,)
                ).fetchone(),
                strict=True,
            )
        )
        unique = {c.name for c in columns if c.unique or c.primary_key}
        for constraint in Base.metadata.tables[table].constraints:
            if type(constraint).__name__ == "UniqueConstraint":
                unique |= {c.name for c in constraint.columns}  # type: ignore[attr-defined]
        for name in sorted({column} | {u for u in unique if chance.random() < 0.8}):
            values[name] = _other_value(chance, values[name], [])
        marks = ", ".join("?" for _ in values)
        self._work.execute(
            f'insert into "{table}" ({", ".join(map(_quoted, values))}) values ({marks})', tuple(values.values())
        )
        return f"a copy of row {row}"

    def _exchange(self, chance: random.Random, table: str, column: str) -> str | None:
        one, two = self._pick(chance, table), self._pick(chance, table)
        first, second = self._read(table, column, one), self._read(table, column, two)
        if one == two or first == second or column in _rowid_column(table):
            return None
        # a value that nothing else has, so that a unique column takes both
        self._write(table, column, one, first + b"?" if isinstance(first, bytes) else f"{first}?")
        self._write(table, column, two, first)
        self._write(table, column, one, second)
        return f"rows {one} and {two}"

    def _meaning(self, table: str) -> Any:
        """What the service reads in the evidenced columns of a table."""
        if table == QualityCountRow.__tablename__:
            sums = ", ".join(f'sum("{name}")' for name in MEASURES)
            cells = self._work.execute(
                f"select sop, step, work_unit_id, year, quarter, {sums} from quality_count group by 1, 2, 3, 4, 5"
            )
            return sorted(repr(row) for row in cells if any(row[5:]))
        columns = [c for c in Base.metadata.tables[table].columns if c.info["declared"] == "evidenced"]
        names = ", ".join(_quoted(c.name) for c in columns)
        rows = self._work.execute(f'select {names} from "{table}"').fetchall()
        return Counter(tuple(_read_as(c.type, v) for c, v in zip(columns, row, strict=True)) for row in rows)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _rowid_column(table: str) -> set[str]:
    keys = list(Base.metadata.tables[table].primary_key)
    return {keys[0].name} if len(keys) == 1 and "INT" in str(keys[0].type).upper() else set()


def _read_as(kind: object, value: Any) -> Any:
    if isinstance(kind, UtcDateTime) and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return type(value).__name__, value


def _other_value(chance: random.Random, value: Any, others: list[Any]) -> Any:
    choice = chance.random()
    if others and choice < 0.15:
        return chance.choice(others)
    if choice < 0.20:
        return None
    if choice < 0.24:
        return chance.choice(["", "x", 0, 1, -1, 2**62, 1.5, b"\x00", "2026-01-01 00:00:00.000000"])
    if value is None:
        return chance.choice(["2026-01-01 00:00:00.000000", "x", 1, "0" * 64, "sari"])
    if isinstance(value, int):
        return chance.choice(
            [value + 1, value - 1, -value, value ^ (1 << chance.randrange(20)), chance.randrange(10**6)]
        )
    if isinstance(value, bytes):
        return change_bytes(chance, value, [])
    text = str(value)
    try:
        moment = datetime.fromisoformat(text) if len(text) >= 19 else None
    except ValueError:
        moment = None
    if moment is not None and choice < 0.8:
        step = chance.choice([timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=7), timedelta(days=1)])
        return (moment + chance.choice([step, -step])).strftime("%Y-%m-%d %H:%M:%S.%f")
    place = chance.randrange(len(text) + 1)
    kind = chance.choice(["replace", "replace", "insert", "delete", "case", "append"])
    if kind == "replace":
        return text[:place] + chance.choice(LETTERS) + text[place + 1 :]
    if kind == "insert":
        return text[:place] + chance.choice(LETTERS) + text[place:]
    if kind == "delete":
        return text[:place] + text[place + 1 :]
    return text.swapcase() if kind == "case" else text + chance.choice(LETTERS)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}...{text[-12:]} ({len(text)})"


# files -------------------------------------------------------------------------------------------------------------


def list_files(folder: Path, *parts: str) -> list[Path]:
    """Every file below these parts of a folder, in order, without what the store keeps for itself."""
    found = [path for part in parts or ("",) for path in (folder / part).rglob("*") if path.is_file()]
    return sorted(path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts))


def damage_file(
    chance: random.Random, folder: Path, files: list[Path], *, may_go: Callable[[Path], bool]
) -> tuple[Damage, Undo]:
    """Change one of these files, or take it away where that must be noticed; and how to bring it back."""
    path = chance.choice(files)
    data, mode = path.read_bytes(), path.stat().st_mode
    name = path.relative_to(folder).as_posix()

    def restore() -> None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)

    path.chmod(0o600)
    if may_go(path) and chance.random() < 0.12:
        path.unlink()
        return Damage(f"{name}: gone"), restore
    others = [other.read_bytes() for other in (chance.choice(files) for _ in range(2))]
    changed = change_bytes(chance, data, others)
    path.write_bytes(changed)
    return Damage(f"{name}: {len(data)} -> {len(changed)} bytes"), restore


def add_file(chance: random.Random, folder: Path, files: list[Path]) -> tuple[Damage, Undo]:
    """Put a file among these under a name that none has."""
    path = _free_path(chance, files)
    path.write_bytes(chance.choice(files).read_bytes())
    return Damage(f"{path.relative_to(folder).as_posix()}: added"), lambda: path.unlink(missing_ok=True)


def _free_path(chance: random.Random, files: list[Path]) -> Path:
    for _ in range(ATTEMPTS):
        model = chance.choice(files)
        place = chance.randrange(len(model.name))
        path = model.with_name(model.name[:place] + chance.choice("0123456789x") + model.name[place + 1 :])
        if not path.exists():
            return path
    raise AssertionError("no name is left")


# bundles -----------------------------------------------------------------------------------------------------------


def damage_bundle(chance: random.Random, bundle: bytes) -> tuple[Damage, bytes]:
    """Change the bytes of a bundle, or the files in it, with a bag and a container that fit what was changed."""
    if chance.random() < 0.5:
        changed = change_bytes(chance, bundle, [])
        return Damage(f"container: {len(bundle)} -> {len(changed)} bytes"), changed
    folder, clean = unpack(bundle)
    for _ in range(ATTEMPTS):
        files: Files = dict(clean)
        path = chance.choice(sorted(files))
        others = [files[chance.choice(sorted(files))] for _ in range(2)]
        kind = chance.choice(["change"] * 6 + ["drop", "add", "exchange"])
        if kind == "change":
            files[path] = change_bytes(chance, files[path], others)
        elif kind == "drop":
            del files[path]
        elif kind == "add":
            files[f"{path.rpartition('/')[0]}/{chance.choice('abc')}{chance.randrange(100)}.txt".lstrip("/")] = others[
                0
            ]
        else:
            other = chance.choice(sorted(files))
            files[path], files[other] = files[other], files[path]
        try:
            changed = pack(folder, files, remake_bag=manifest.BAG_INFO in files and _is_text(files[manifest.BAG_INFO]))
        except (KeyError, ValueError):
            continue
        if changed != bundle:
            return Damage(f"{path}: {kind}, packed again"), changed
    raise AssertionError("this bundle cannot be changed")


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except ValueError:
        return False
    return True

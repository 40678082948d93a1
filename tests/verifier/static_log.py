"""A published log in a folder, written from event bytes alone: honest, or as a forger with some key would write it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import signing
from archive_service.domain import merkle, tiles
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.signing import SigningKey

ORIGIN = "archive.test/log"
KEY = signing.named(Ed25519PrivateKey.from_private_bytes(b"\1" * 32), ORIGIN)


def root_of(entries: Sequence[bytes]) -> bytes:
    """The root over these entries."""
    return merkle.root_hash([merkle.leaf_hash(entry) for entry in entries])


def sign(entries: Sequence[bytes], key: SigningKey = KEY, origin: str = ORIGIN) -> bytes:
    """The checkpoint over these entries."""
    return key.sign(format_checkpoint(Checkpoint(origin, len(entries), root_of(entries))))


def write_log(folder: Path, entries: Sequence[bytes], *, kept: Sequence[int] = (), key: SigningKey = KEY) -> Path:
    """The whole static tree, with the checkpoints of these sizes beside the newest."""
    shutil.rmtree(folder, ignore_errors=True)
    stored: dict[tuple[int, int], bytes] = {}
    hashes = [merkle.leaf_hash(entry) for entry in entries]
    stored.update(tiles.append_leaves(0, hashes, lambda level, index: stored[(level, index)]))
    for level, index, width in tiles.tile_widths(0, len(entries)):
        write(folder, tiles.tile_path(level, index, width), stored[(level, index)])
    for first in range(0, len(entries), 256):
        part = entries[first : first + 256]
        write(folder, tiles.bundle_path(first // 256, len(part)), tiles.format_entries(part))
    for size in (*kept, len(entries)):
        write(folder, f"checkpoints/{size:020d}", sign(entries[:size], key))
    write(folder, "vkey", f"{key.vkey}\n".encode())
    write(folder, "checkpoint", sign(entries, key))
    return folder


def write(folder: Path, path: str, data: bytes) -> None:
    """Write one file of the tree."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)

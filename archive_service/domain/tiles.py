"""Tiles of the tree (C2SP tlog-tiles): 256 hashes wide, each level of tiles eight levels of the tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from archive_service.domain.merkle import EMPTY_ROOT, HASH_BYTES, NodeReader, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

ENTRY_LIMIT_BYTES = 0xFFFF
BUNDLE_LIMIT_BYTES = TILE_WIDTH * (2 + ENTRY_LIMIT_BYTES)
_TILE = re.compile(
    r"tile/(?:(?P<level>0|[1-9]|[1-5][0-9]|6[0-3])|entries)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)

TileReader = Callable[[int, int], bytes]
"""(level, index) → the concatenated hashes of that tile, at most 256."""


@dataclass(frozen=True)
class TileName:
    """What a path names: a tile of hashes at a level, or with level None a bundle of entries."""

    level: Optional[int]
    index: int
    width: int

    def needed_size(self) -> int:
        """The size that a tree must have for this to be there."""
        return (self.index * TILE_WIDTH + self.width) << (TILE_HEIGHT * (self.level or 0))


def _path(folder: str, index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError("there is no such tile")
    groups: List[str] = []
    while True:
        index, rest = divmod(index, 1000)
        groups.append(f"{rest:03d}")
        if index == 0:
            break
    groups.reverse()
    name = "/".join([f"x{group}" for group in groups[:-1]] + [groups[-1]])
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{folder}/{name}{partial}"


def tile_path(level: int, index: int, width: int) -> str:
    """The path of a tile below the log's prefix: ``tile/<level>/<index>[.p/<width>]``, the index in groups of three digits."""
    if not 0 <= level <= 63:
        raise ValueError("there is no such tile")
    return _path(str(level), index, width)


def bundle_path(index: int, width: int) -> str:
    """The path of a bundle of entries: ``tile/entries/<index>[.p/<width>]``."""
    return _path("entries", index, width)


def parse_tile_path(path: str) -> Optional[TileName]:
    """What a path names; None for any text that neither ``tile_path`` nor ``bundle_path`` writes."""
    matched = _TILE.fullmatch(path)
    if matched is None or len(path) > 60:
        return None
    index = int("".join(c for c in matched.group("index") if c.isdigit()))
    width, level = matched.group("width"), matched.group("level")
    name = TileName(None if level is None else int(level), index, TILE_WIDTH if width is None else int(width))
    if name.width > TILE_WIDTH:
        return None
    written = (
        bundle_path(name.index, name.width) if name.level is None else tile_path(name.level, name.index, name.width)
    )
    return name if written == path else None


def tile_widths(old: int, new: int) -> Iterator[Tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree of ``new`` leaves that one of ``old`` leaves had not, or had narrower."""
    level = 0
    while new:
        for index in range(old // TILE_WIDTH, -(-new // TILE_WIDTH)):
            width = min(TILE_WIDTH, new - index * TILE_WIDTH)
            if index * TILE_WIDTH + width > old:
                yield level, index, width
        level, old, new = level + 1, old // TILE_WIDTH, new // TILE_WIDTH


def format_entries(entries: Sequence[bytes]) -> bytes:
    """The bundle of entries: each behind its length in two bytes, big end first."""
    if any(len(entry) > ENTRY_LIMIT_BYTES for entry in entries):
        raise ValueError("an entry has at most 65,535 bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_entries(bundle: bytes, count: int) -> List[bytes]:
    """The entries of a bundle; ValueError unless it holds exactly so many and nothing else."""
    entries: List[bytes] = []
    position, end = 0, len(bundle)
    for _ in range(count):
        begin = position + 2
        position = begin + int.from_bytes(bundle[position:begin], "big")
        entries.append(bundle[begin:position])
    # a length that runs out of the bundle puts the position behind its end
    if position != end:
        raise ValueError("the bundle's lengths do not add up to its size")
    return entries


def perfect_root(tile: bytes) -> bytes:
    """The root over the hashes of a full tile."""
    while len(tile) > HASH_BYTES:
        tile = b"".join([sha256(b"\x01" + tile[i : i + 64]).digest() for i in range(0, len(tile), 64)])
    return tile


def fold_tiles(tiles: Sequence[bytes]) -> bytes:
    """The root of the tree whose rightmost tiles, level 0 first and none of them full, are these."""
    root: Optional[bytes] = None
    for tile in tiles:
        hashes = _hashes(tile, 0, len(tile) // HASH_BYTES)
        stack: List[bytes] = []
        for count, value in enumerate(hashes, 1):
            stack.append(value)
            while count % 2 == 0:
                right = stack.pop()
                stack.append(node_hash(stack.pop(), right))
                count //= 2
        while stack:
            left = stack.pop()
            root = left if root is None else node_hash(left, root)
    return EMPTY_ROOT if root is None else root


def _hashes(tile: bytes, first: int, count: int) -> List[bytes]:
    part = tile[first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(part) != count * HASH_BYTES:
        raise ValueError("the tile is narrower than the tree needs it")
    return [part[i : i + HASH_BYTES] for i in range(0, len(part), HASH_BYTES)]


def node_reader(read_tile: TileReader) -> NodeReader:
    """A reader of any perfect subtree's hash from tiles."""

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        return perfect_root(b"".join(_hashes(read_tile(tile_level, tile_index), first, 1 << height)))

    return node


def append_leaves(size: int, leaf_hashes: Sequence[bytes], read_tile: TileReader) -> Dict[Tuple[int, int], bytes]:
    """The new whole content of every tile that changes when these leaf hashes are appended to a tree of ``size`` leaves.

    ``read_tile`` gives the partial tiles that are continued; a full tile's root moves up a level.
    """
    changed: Dict[Tuple[int, int], bytes] = {}
    level, start, fresh = 0, size, list(leaf_hashes)
    while fresh:
        full: List[bytes] = []
        position = start
        while position < start + len(fresh):
            index, filled = divmod(position, TILE_WIDTH)
            count = min(TILE_WIDTH - filled, start + len(fresh) - position)
            known = read_tile(level, index)[: filled * HASH_BYTES] if filled else b""
            if len(known) != filled * HASH_BYTES:
                raise ValueError("the tile is narrower than the tree needs it")
            content = known + b"".join(fresh[position - start : position - start + count])
            changed[(level, index)] = content
            if filled + count == TILE_WIDTH:
                full.append(perfect_root(content))
            position += count
        level, start, fresh = level + 1, start // TILE_WIDTH, full
    return changed

"""Tiles of the tree (C2SP tlog-tiles): 256 hashes wide, each level of tiles eight levels of the tree."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

from archive_service.domain.merkle import HASH_BYTES, NodeReader, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

TileReader = Callable[[int, int], bytes]
"""(level, index) → the concatenated hashes of that tile, at most 256."""


def tile_path(level: int, index: int, width: int) -> str:
    """The path of a tile below the log's prefix: ``tile/<level>/<index>[.p/<width>]``, the index in groups of three digits."""
    if not 0 <= level <= 63 or index < 0 or not 1 <= width <= TILE_WIDTH:
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
    return f"tile/{level}/{name}{partial}"


def _hashes(tile: bytes, first: int, count: int) -> List[bytes]:
    part = tile[first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(part) != count * HASH_BYTES:
        raise ValueError("the tile is narrower than the tree needs it")
    return [part[i : i + HASH_BYTES] for i in range(0, len(part), HASH_BYTES)]


def _perfect_root(hashes: List[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def node_reader(read_tile: TileReader) -> NodeReader:
    """A reader of any perfect subtree's hash from tiles."""

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        return _perfect_root(_hashes(read_tile(tile_level, tile_index), first, 1 << height))

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
                full.append(_perfect_root(_hashes(content, 0, TILE_WIDTH)))
            position += count
        level, start, fresh = level + 1, start // TILE_WIDTH, full
    return changed

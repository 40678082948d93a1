from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_service.domain import merkle, tiles
from archive_service.domain.tiles import TileName

LEAVES = [merkle.leaf_hash(str(n).encode()) for n in range(700)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tile/0/000", TileName(0, 0, 256)),
        ("tile/0/x001/x234/067", TileName(0, 1234067, 256)),
        ("tile/63/255.p/1", TileName(63, 255, 1)),
        ("tile/entries/x999/999.p/255", TileName(None, 999_999, 255)),
    ],
)
def test_a_path_names_one_tile(path: str, name: TileName) -> None:
    assert tiles.parse_tile_path(path) == name


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/../0/000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/Entries/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/0/" + "x001/" * 30 + "000",
    ],
)
def test_any_other_text_names_none(path: str) -> None:
    assert tiles.parse_tile_path(path) is None


@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_paths_are_read_as_they_are_written(level: int, index: int, width: int) -> None:
    assert tiles.parse_tile_path(tiles.tile_path(level, index, width)) == TileName(level, index, width)
    assert tiles.parse_tile_path(tiles.bundle_path(index, width)) == TileName(None, index, width)


def test_the_example_of_the_specification_has_its_tiles() -> None:
    found = list(tiles.tile_widths(0, 70_000))
    full = [level for level, _, width in found if width == 256]
    assert (full.count(0), full.count(1), full.count(2)) == (273, 1, 0)
    assert [(level, width) for level, _, width in found if width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert list(tiles.tile_widths(0, 256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles.tile_widths(70_000, 70_000)) == []
    # the partial tile that grew, and nothing that was there
    assert list(tiles.tile_widths(70_000, 70_001)) == [(0, 273, 113)]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_bundles_of_entries_are_read_as_they_are_written(entries: list[bytes]) -> None:
    data = tiles.format_entries(entries)
    assert tiles.parse_entries(data, len(entries)) == entries
    for other in (data + b"x", data + b"\x00\x00", data[:-1]):
        if other != data:
            with pytest.raises(ValueError):
                tiles.parse_entries(other, len(entries))


def test_a_bundle_of_fewer_entries_or_an_entry_too_long_is_refused() -> None:
    with pytest.raises(ValueError):
        tiles.parse_entries(tiles.format_entries([b"a"]), 2)
    with pytest.raises(ValueError):
        tiles.parse_entries(b"\xff\xffab", 1)
    with pytest.raises(ValueError):
        tiles.format_entries([bytes(65_536)])


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 512, 700])
def test_the_rightmost_tiles_fold_into_the_root(size: int) -> None:
    full = size // 256
    above = [tiles.perfect_root(b"".join(LEAVES[n * 256 : n * 256 + 256])) for n in range(full)]
    rightmost = [b"".join(LEAVES[full * 256 : size]), b"".join(above)]
    assert tiles.fold_tiles(rightmost) == merkle.root_hash(LEAVES[:size])

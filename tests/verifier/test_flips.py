"""One changed bit anywhere, a cut, an added byte: never a crash, INVALID unless nothing of a bundle is left."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_service.domain import manifest
from archive_service.verifier.bag import check_bag
from archive_service.verifier.container import is_no_bundle, open_container
from archive_service.verifier.verify import INVALID, NO_BUNDLE, VALID, check_bundle
from tests.bundling.dossier_builder import LOG_KEY, Builder
from tests.verifier.forger import check, pack, unpack


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return Builder().play().bundle()


def flipped(bundle: bytes, place: int, bit: int) -> bytes:
    data = bytearray(bundle)
    data[place] ^= 1 << bit
    return bytes(data)


def header_places(bundle: bytes) -> list[int]:
    """Every byte that is of no file: local headers, central directory, end records."""
    folder, files = unpack(bundle)
    places: list[int] = []
    offset = 0
    for path, data in files.items():
        header = manifest.LOCAL_BYTES + len(f"{folder}/{path}")
        places += range(offset, offset + header)
        offset += header + len(data)
    return [*places, *range(offset, len(bundle))]


def is_found_in_container_or_bag(bundle: bytes) -> bool:
    """Whether the first two steps alone find the damage; they fail a whole verification."""
    source = io.BytesIO(bundle)
    try:
        return not is_no_bundle(source, len(bundle)) and bool(check_bag(open_container(source, len(bundle))))
    except (ValueError, OverflowError):
        return True


def test_the_bundle_itself_is_valid_and_has_no_damage(bundle: bytes) -> None:
    assert check(bundle, LOG_KEY).verdict == VALID
    assert not is_found_in_container_or_bag(bundle)


def test_one_bit_of_any_header_byte_is_invalid(bundle: bytes) -> None:
    places = header_places(bundle)
    assert len(places) > 4000
    codes = [check(flipped(bundle, place, place % 8), LOG_KEY).exit_code for place in places]
    assert set(codes) == {1}


def test_one_bit_in_a_seeded_sample_is_invalid(bundle: bytes) -> None:
    folder, files = unpack(bundle)
    bundle = pack(folder, {**files, manifest.VERIFIER: b"#\n"})
    assert check(bundle, LOG_KEY).verdict == VALID
    chance = random.Random(11)
    for _ in range(100):
        place, bit = chance.randrange(len(bundle)), chance.randrange(8)
        report = check(flipped(bundle, place, bit), LOG_KEY)
        assert (report.verdict, report.exit_code) == (INVALID, 1), (place, bit)


@pytest.mark.full
def test_one_bit_of_every_byte_is_found(bundle: bytes) -> None:
    # hashed like any other file, the verifier would be most of the work: a short one stands in its place
    folder, files = unpack(bundle)
    bundle = pack(folder, {**files, manifest.VERIFIER: b"#\n"})
    assert not is_found_in_container_or_bag(bundle)
    assert [p for p in range(len(bundle)) if not is_found_in_container_or_bag(flipped(bundle, p, p % 8))] == []


@pytest.mark.full
def test_every_bit_of_every_header_byte_is_found(bundle: bytes) -> None:
    places = header_places(bundle)
    missed = [(p, b) for p in places for b in range(8) if not is_found_in_container_or_bag(flipped(bundle, p, b))]
    assert missed == []


def test_cut_anywhere_is_invalid(bundle: bytes) -> None:
    chance = random.Random(12)
    lengths = [
        *range(4, 120),
        *(chance.randrange(len(bundle)) for _ in range(200)),
        *range(len(bundle) - 120, len(bundle)),
    ]
    assert {check(bundle[:length], LOG_KEY).exit_code for length in lengths} == {1}
    # the beginning of a bundle is still recognised by its end
    assert {check(bundle[start:], LOG_KEY).exit_code for start in lengths[:-80]} == {1}


@pytest.mark.parametrize("extra", [b"\0", b"PK", b"\n", b"x" * 70_000], ids=["zero", "PK", "newline", "much"])
def test_added_bytes_are_invalid(bundle: bytes, extra: bytes) -> None:
    assert check(bundle + extra, LOG_KEY).exit_code == 1
    assert check(extra + bundle, LOG_KEY).exit_code == 1


def test_nothing_of_a_bundle_left_is_no_bundle(bundle: bytes) -> None:
    middle = bundle[100:5000]
    assert (check(middle, LOG_KEY).verdict, check(middle, LOG_KEY).exit_code) == (NO_BUNDLE, 2)


@given(data=st.data())
def test_hostile_changes_are_never_valid(bundle: bytes, data: st.DataObject) -> None:
    changed = bytearray(bundle)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(changed) - 1))
        junk = data.draw(st.binary(min_size=1, max_size=30))
        action = data.draw(st.sampled_from(["overwrite", "insert", "delete", "copy"]))
        if action == "overwrite":
            changed[place : place + len(junk)] = junk
        elif action == "insert":
            changed[place:place] = junk
        elif action == "delete":
            del changed[place : place + len(junk)]
        else:
            source = data.draw(st.integers(0, len(changed) - 1))
            changed[place : place + 40] = changed[source : source + 40]
    if changed != bundle:
        assert check(bytes(changed), LOG_KEY).exit_code == 1


@given(st.binary(max_size=3000))
def test_any_bytes_give_a_report(data: bytes) -> None:
    assert check_bundle(io.BytesIO(data), len(data), None).exit_code in (1, 2)


@given(
    head=st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b""]), data=st.binary(max_size=300), size=st.integers(0, 2**63)
)
def test_a_length_that_is_not_true_gives_a_report(head: bytes, data: bytes, size: int) -> None:
    assert check_bundle(io.BytesIO(head + data), size, None).exit_code in (1, 2)

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest

from archive_service.domain import merkle, tiles
from archive_service.domain.merkle import ProofError
from tests.vectors import vectors


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    n = len(leaves)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    n = len(leaves)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], b: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if b else [naive_root(leaves)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], b), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


LEAVES = [f"leaf {i}".encode() for i in range(64)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]


def node(level: int, index: int) -> bytes:
    return naive_root(LEAVES[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(65))
def test_root_and_every_proof_are_those_of_the_naive_reference(size: int) -> None:
    leaves = LEAVES[:size]
    root = naive_root(leaves)
    assert merkle.root_hash(HASHES[:size]) == root == merkle.root_from_nodes(size, node)
    for index in range(size):
        proof = merkle.inclusion_proof(index, size, node)
        assert proof == naive_path(index, leaves)
        merkle.require_inclusion(index, size, HASHES[index], proof, root)
        for wrong in (index + 1, index - 1):
            with pytest.raises(ProofError):
                merkle.require_inclusion(wrong, size, HASHES[index], proof, root)
    for old in range(1, size + 1):
        proof = merkle.consistency_proof(old, size, node)
        assert proof == naive_subproof(old, leaves, True)
        merkle.require_consistency(old, size, proof, naive_root(LEAVES[:old]), root)
        if proof:
            for damaged in (proof[:-1], [*proof, proof[0]], [b"\0" * 32, *proof[1:]], [proof[0][:31], *proof[1:]]):
                with pytest.raises(ProofError):
                    merkle.require_consistency(old, size, damaged, naive_root(LEAVES[:old]), root)


def test_hashes_of_leaves_and_nodes_are_those_of_the_rfc() -> None:
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.leaf_hash(b"a") == sha256(b"\x00a").digest()
    assert merkle.node_hash(HASHES[1], HASHES[0]) == sha256(b"\x01" + HASHES[1] + HASHES[0]).digest()
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


ROOT_3, ROOT_7 = naive_root(LEAVES[:3]), naive_root(LEAVES[:7])
PATH, PREFIX = naive_path(2, LEAVES[:7]), naive_subproof(3, LEAVES[:7], True)


@pytest.mark.parametrize(
    ("index", "size", "leaf", "proof", "root", "words"),
    [
        (7, 7, HASHES[2], PATH, ROOT_7, "leaf 7 is not in a tree of 7"),
        (-1, 7, HASHES[2], PATH, ROOT_7, "leaf -1 is not in a tree of 7"),
        (2, 7, HASHES[2][1:], PATH, ROOT_7, "a hash has not 32 bytes"),
        (2, 7, HASHES[2], [*PATH[:2], b""], ROOT_7, "a hash has not 32 bytes"),
        (2, 7, HASHES[2], PATH, ROOT_7 + b"x", "a hash has not 32 bytes"),
        (2, 7, HASHES[2], [*PATH, PATH[0]], ROOT_7, "the proof is too long"),
        (2, 7, HASHES[2], PATH[:-1], ROOT_7, "the proof is too short"),
        (2, 7, HASHES[3], PATH, ROOT_7, "the proof leads to another root"),
        (2, 7, HASHES[2], PATH, ROOT_3, "the proof leads to another root"),
    ],
)
def test_an_inclusion_proof_that_fails_says_why(
    index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes, words: str
) -> None:
    with pytest.raises(ProofError) as caught:
        merkle.require_inclusion(index, size, leaf, proof, root)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("old", "new", "proof", "old_root", "new_root", "words"),
    [
        (0, 7, PREFIX, ROOT_3, ROOT_7, "nothing can be proved from 0 to 7"),
        (8, 7, PREFIX, ROOT_3, ROOT_7, "nothing can be proved from 8 to 7"),
        (3, 7, [*PREFIX[:1], b"x"], ROOT_3, ROOT_7, "a hash has not 32 bytes"),
        (7, 7, [ROOT_7], ROOT_7, ROOT_7, "a proof between equal sizes is empty"),
        (7, 7, [], ROOT_3, ROOT_7, "equal sizes have different roots"),
        (3, 7, [], ROOT_3, ROOT_7, "the proof is too short"),
        (3, 7, PREFIX[:-1], ROOT_3, ROOT_7, "the proof is too short"),
        (3, 7, [*PREFIX, ROOT_3], ROOT_3, ROOT_7, "the proof is too long"),
        (3, 7, PREFIX, ROOT_7, ROOT_7, "the proof leads to other roots"),
        (3, 7, PREFIX, ROOT_3, ROOT_3, "the proof leads to other roots"),
    ],
)
def test_a_consistency_proof_that_fails_says_why(
    old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes, words: str
) -> None:
    with pytest.raises(ProofError) as caught:
        merkle.require_consistency(old, new, proof, old_root, new_root)
    assert str(caught.value) == words
    merkle.require_consistency(7, 7, [], ROOT_7, ROOT_7)


def test_proofs_outside_the_tree_are_refused() -> None:
    for index, size in ((0, 0), (-1, 5), (5, 5)):
        with pytest.raises(ValueError, match="is not in a tree"):
            merkle.inclusion_proof(index, size, node)
        with pytest.raises(ProofError):
            merkle.require_inclusion(index, size, HASHES[0], [], HASHES[0])
    for old, new in ((0, 5), (6, 5)):
        with pytest.raises(ValueError, match="no consistency proof"):
            merkle.consistency_proof(old, new, node)
        with pytest.raises(ProofError):
            merkle.require_consistency(old, new, [], HASHES[0], HASHES[0])


def test_a_leaf_is_never_taken_for_a_node() -> None:
    inner = merkle.node_hash(HASHES[0], HASHES[1])
    assert merkle.leaf_hash(HASHES[0] + HASHES[1]) != inner
    with pytest.raises(ProofError):
        merkle.require_inclusion(0, 3, inner, [HASHES[2]], naive_root(LEAVES[:3]))


def raw(text: str | None) -> bytes:
    return base64.b64decode(text) if text else b""


def test_the_inclusion_cases_of_transparency_dev() -> None:
    paths = sorted((vectors("merkle") / "testdata" / "inclusion").rglob("*.json"))
    assert len(paths) > 90
    for path in paths:
        case = json.loads(path.read_text())
        proof = [raw(h) for h in case["proof"] or []]
        try:
            merkle.require_inclusion(case["leafIdx"], case["treeSize"], raw(case["leafHash"]), proof, raw(case["root"]))
            is_refused = False
        except ProofError:
            is_refused = True
        assert is_refused == case["wantErr"], path


def test_the_consistency_cases_of_transparency_dev() -> None:
    paths = sorted((vectors("merkle") / "testdata" / "consistency").rglob("*.json"))
    assert len(paths) > 90
    for path in paths:
        case = json.loads(path.read_text())
        proof = [raw(h) for h in case["proof"] or []]
        try:
            merkle.require_consistency(case["size1"], case["size2"], proof, raw(case["root1"]), raw(case["root2"]))
            is_refused = False
        except ProofError:
            is_refused = True
        assert is_refused == case["wantErr"], path


def grow(batches: list[int]) -> tuple[dict[tuple[int, int], bytes], list[bytes]]:
    stored: dict[tuple[int, int], bytes] = {}
    hashes: list[bytes] = []
    for batch in batches:
        fresh = [sha256(f"{len(hashes) + i}".encode()).digest() for i in range(batch)]
        stored.update(tiles.append_leaves(len(hashes), fresh, lambda level, index: stored[(level, index)]))
        hashes += fresh
    return stored, hashes


@pytest.mark.parametrize("batches", [[1] * 300, [255, 1, 1], [256, 256], [7, 300, 1000, 5], [65_535, 1, 1, 300]])
def test_a_tree_in_tiles_has_the_same_root_and_proofs(batches: list[int]) -> None:
    stored, hashes = grow(batches)
    read = tiles.node_reader(lambda level, index: stored[(level, index)])
    for size in {len(hashes), max(1, len(hashes) - 1), min(257, len(hashes)), 1}:
        root = merkle.root_hash(hashes[:size])
        assert merkle.root_from_nodes(size, read) == root
        for index in {0, size // 2, size - 1}:
            merkle.require_inclusion(index, size, hashes[index], merkle.inclusion_proof(index, size, read), root)
        merkle.require_consistency(
            size, len(hashes), merkle.consistency_proof(size, len(hashes), read), root, merkle.root_hash(hashes)
        )


def test_a_narrow_tile_is_noticed() -> None:
    stored, _ = grow([300])
    stored[(0, 1)] = stored[(0, 1)][:-32]
    with pytest.raises(ValueError, match="narrower"):
        merkle.root_from_nodes(300, tiles.node_reader(lambda level, index: stored[(level, index)]))
    with pytest.raises(ValueError, match="narrower"):
        tiles.append_leaves(300, [b"\0" * 32], lambda level, index: stored[(level, index)])


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 5, 256, "tile/0/005"),
        (0, 1234, 256, "tile/0/x001/234"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),
        (2, 8, 30, "tile/2/008.p/30"),
    ],
)
def test_tile_paths_are_those_of_the_specification(level: int, index: int, width: int, path: str) -> None:
    assert tiles.tile_path(level, index, width) == path


@pytest.mark.parametrize(("level", "index", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_tiles_that_cannot_be_have_no_path(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError, match="no such tile"):
        tiles.tile_path(level, index, width)

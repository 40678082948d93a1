"""The Merkle tree of RFC 6962 section 2.1: roots, inclusion and consistency proofs, and how they are verified.

A tree is read through a NodeReader, so that a log of millions of events needs a few hashes and not its leaves.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Callable, List, Sequence

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32

NodeReader = Callable[[int, int], bytes]
"""(level, index) → hash of the perfect subtree of 2**level leaves that begins at leaf index * 2**level."""


class ProofError(ValueError):
    """The proof does not prove what it should."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes, in linear time; EMPTY_ROOT for none."""
    if not leaf_hashes:
        return EMPTY_ROOT
    # hashes of perfect subtrees, largest first, as a binary counter merges them
    stack: List[bytes] = []
    for count, leaf in enumerate(leaf_hashes, 1):
        stack.append(leaf)
        while count % 2 == 0:
            right = stack.pop()
            stack.append(node_hash(stack.pop(), right))
            count //= 2
    root = stack.pop()
    while stack:
        root = node_hash(stack.pop(), root)
    return root


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(start: int, size: int, node: NodeReader) -> bytes:
    """The hash of the subtree over ``size`` leaves from ``start`` on, which is a multiple of its left part's size."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    left = _split(size)
    return node_hash(_subtree(start, left, node), _subtree(start + left, size - left, node))


def root_from_nodes(size: int, node: NodeReader) -> bytes:
    """The root of the tree's first ``size`` leaves."""
    return EMPTY_ROOT if size == 0 else _subtree(0, size, node)


def inclusion_proof(index: int, size: int, node: NodeReader) -> List[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 6962 section 2.1.1), nearest sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: List[bytes] = []
    start, count = 0, size
    while count > 1:
        left = _split(count)
        if index - start < left:
            path.append(_subtree(start + left, count - left, node))
            count = left
        else:
            path.append(_subtree(start, left, node))
            start, count = start + left, count - left
    path.reverse()
    return path


def consistency_proof(old: int, new: int, node: NodeReader) -> List[bytes]:
    """The proof that the tree of ``old`` leaves is a prefix of that of ``new`` (RFC 6962 section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"there is no consistency proof from {old} to {new}")
    path: List[bytes] = []
    start, count, is_whole = 0, new, True
    while old != count:
        left = _split(count)
        if old <= left:
            path.append(_subtree(start + left, count - left, node))
            count = left
        else:
            path.append(_subtree(start, left, node))
            start, count, old, is_whole = start + left, count - left, old - left, False
    if not is_whole:
        path.append(_subtree(start, count, node))
    path.reverse()
    return path


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("a hash has not 32 bytes")


def require_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofError unless the proof leads from the leaf hash at ``index`` to the root of ``size`` leaves (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    _require_hashes([leaf, root, *proof])
    fn, sn, value = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise ProofError("the proof is too long")
        if fn & 1 or fn == sn:
            value = node_hash(sibling, value)
            while fn & 1 == 0 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            value = node_hash(value, sibling)
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise ProofError("the proof is too short")
    if value != root:
        raise ProofError("the proof leads to another root")


def require_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise ProofError unless the tree of ``old`` leaves is proved a prefix of that of ``new`` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new:
        raise ProofError(f"nothing can be proved from {old} to {new}")
    _require_hashes(proof)
    if old == new:
        if proof:
            raise ProofError("a proof between equal sizes is empty")
        if old_root != new_root:
            raise ProofError("equal sizes have different roots")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofError("the proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise ProofError("the proof is too long")
        if fn & 1 or fn == sn:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while fn & 1 == 0 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            second = node_hash(second, sibling)
        fn >>= 1
        sn >>= 1
    if sn != 0:
        raise ProofError("the proof is too short")
    if first != old_root or second != new_root:
        raise ProofError("the proof leads to other roots")

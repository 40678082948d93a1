"""The one-file verifier: ``verify.py``, made of this package's own sources; the same version gives the same bytes.

Each module that the verifier needs goes in as it is, as readable text; a small frame (``frame.py``) hands the texts to Python's import
system. Why so, and not as a zipped blob or flattened into one namespace: a person can read the file and compare it with the source tree;
the modules run unchanged, so that it behaves as the package does by construction, where renaming two functions ``verify`` or a
``_add`` of two curves would have to be proved harmless; and a traceback names the line of ``verify.py`` that it happened in.
"""

from __future__ import annotations

import ast
import importlib.util
from functools import lru_cache
from hashlib import sha256
from typing import Dict, Iterator, List

FILE_NAME = "verify.py"
ENTRY = "archive_service.verifier.command"
FRAME = "archive_service.verifier.frame"
_ROOT = "archive_service"
_PLACE = "# MODULES\n"
_QUOTES = "'" * 3


def _find_source(name: str) -> str:
    """A module's source with plain line ends, or "" when there is no such module."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        # the parent is a module, not a package: the name is something inside it
        return ""
    loader = None if spec is None else spec.loader
    get_source = getattr(loader, "get_source", None)
    text = None if get_source is None else get_source(name)
    return text or ""


def _imported(tree: ast.AST) -> Iterator[str]:
    """The names of ours that a module may import when it runs: modules, and what may be a module or a name inside one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imported(node)


def _gather() -> Dict[str, str]:
    """Module name → source, of the entry and of everything that it needs, packages too."""
    found: Dict[str, str] = {}
    waiting: List[str] = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] != _ROOT:
            continue
        text = _find_source(name)
        if not text:
            continue
        found[name] = text
        waiting.append(name.rpartition(".")[0])
        waiting.extend(_imported(ast.parse(text)))
    return found


@lru_cache(maxsize=1)
def build_verifier() -> bytes:
    """The bytes of ``verify.py``.

    ValueError when a source cannot be held as raw text: the error of whoever wrote that source, found by the tests.
    """
    head, mark, tail = _find_source(FRAME).partition("\n" + _PLACE)
    if not mark:
        raise ValueError(f"{FRAME} does not say where the modules go")
    parts = [head + "\n"]
    line = parts[0].count("\n") + 1
    for name, text in sorted(_gather().items()):
        if _QUOTES in text or not text.endswith("\n"):
            raise ValueError(f"{name} holds {_QUOTES} or does not end in a line end")
        part = f'\nMODULES["{name}"] = {line + 1}, r{_QUOTES}\n{text}{_QUOTES}\n'
        parts.append(part)
        line += part.count("\n")
    return "".join([*parts, tail]).encode("utf-8")


@lru_cache(maxsize=1)
def own_digest() -> str:
    """The SHA-256 in hex of the verifier that runs: of the file itself inside ``verify.py``, else of what this package would make."""
    read_whole = getattr(globals()["__loader__"], "read_whole", None)
    return sha256(build_verifier() if read_whole is None else read_whole()).hexdigest()

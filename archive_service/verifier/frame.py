#!/usr/bin/env python3
"""Pemeriksa satu berkas / the one-file verifier of archive-service. It needs Python 3.9 or newer and nothing else.

    python3 verify.py PAKET.zip --key KUNCI                        satu paket arsip / an archived bundle
    python3 verify.py DOKUMEN --receipt TANDA_TERIMA --key KUNCI   satu dokumen / a document with its receipt
    python3 verify.py FOLDER --key KUNCI                           salinan log / an exported log (or its address)
    python3 verify.py --help

Berkas ini hanya membaca: ia tidak menulis apa pun, dan memakai jaringan hanya bila diberi alamat sebuah log. Ambil kunci
pemeriksa dan SHA-256 berkas ini dari tempat penerbitannya, bukan dari dalam paket.
It only reads: it writes nothing, and uses the network only when it is given a log's address. Take the verifier key and
this file's SHA-256 from where they are published, not from inside a bundle.

How to read it: each module of the verifier stands below as it is in the source tree, as text, under its name. The lines
before and after hand those texts to Python's import system, at the line numbers that they have in this file, so
that a traceback points here. No installed archive_service and no file beside this one is ever imported.
"""

import sys

if sys.version_info < (3, 9):  # noqa: UP036 - an older Python must be told in a sentence, not by a traceback
    sys.exit("verify.py: Python 3.9 or newer is needed; this is " + sys.version.split()[0])
if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    # the folder of this file comes first on the path; a json.py that lies beside it must not become ours
    del sys.path[0]

from importlib.machinery import ModuleSpec
from typing import Any, Callable, Dict, Tuple

MODULES: Dict[str, Tuple[int, str]] = {}
"""Module name → the line of this file that its text begins in, and the text."""


class Sections:
    """Finder and loader of the modules in this file, for the name ``archive_service`` and all below it."""

    path = __file__

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        """The module's specification; a name of ours that is not here is an error, so that nothing else is looked up."""
        if name.partition(".")[0] != "archive_service":
            return None
        if name not in MODULES:
            raise ModuleNotFoundError(name + " is not in this file", name=name)
        is_package = any(other.startswith(name + ".") for other in MODULES)
        loader: Any = cls
        spec = ModuleSpec(name, loader, origin=cls.path, is_package=is_package)
        spec.has_location = True
        return spec

    @staticmethod
    def create_module(spec: Any) -> None:
        """None: an ordinary module."""

    @classmethod
    def exec_module(cls, module: Any) -> None:
        """Run the module's text."""
        line, text = MODULES[module.__name__]
        # empty lines before it give each line the number that it has in this file
        exec(compile("\n" * (line - 1) + text, cls.path, "exec", dont_inherit=True), module.__dict__)

    @classmethod
    def read_whole(cls) -> bytes:
        """The bytes of this file."""
        with open(cls.path, "rb") as file:
            return file.read()


def load_main() -> Callable[..., int]:
    """The function ``main`` of the verifier in this file, whatever else is installed or already imported under its names."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "archive_service"]:
        del sys.modules[name]
    sys.meta_path.insert(0, Sections)
    from archive_service.verifier.command import main

    return main


# MODULES

if __name__ == "__main__":
    sys.exit(load_main()())

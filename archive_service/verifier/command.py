"""The verifier's command: a bundle, a document with its receipt, or an exported log, told apart by what is given."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime, timezone
from typing import List, Optional, Sequence, Tuple

from archive_service import __version__
from archive_service.domain.note import NOTE_LIMIT_BYTES
from archive_service.verifier.documents import check_document
from archive_service.verifier.messages import WORDS
from archive_service.verifier.onefile import FILE_NAME, own_digest
from archive_service.verifier.report import one_line
from archive_service.verifier.verify import open_file, read_keys, read_policy, verify_file


def verify_document(path: str, receipt: str, key: Optional[str], lang: str, is_json: bool) -> Tuple[str, int]:
    """The report on a document with its receipt as text (or JSON), and the exit code.

    An unreadable file or key gives a sentence and 2. ``key`` may be a file that holds several keys, the log's too.
    """
    column = 0 if lang == "id" else 1
    try:
        keys = None if key is None else read_keys(key)
    except (OSError, ValueError) as exc:
        return WORDS["bad_key"][column] % exc, 2
    reading = receipt
    try:
        with open_file(receipt, lang) as file:
            note = file.read(NOTE_LIMIT_BYTES + 1)
        reading = path
        with open_file(path, lang) as source:
            report = check_document(source, os.fstat(source.fileno()).st_size, note, keys)
    except (OSError, ValueError) as exc:
        return WORDS["bad_file"][column] % (reading, getattr(exc, "strerror", None) or exc), 2
    if is_json:
        return json.dumps(report.plain(), indent=2, ensure_ascii=False), report.exit_code
    return "\n".join(report.lines(lang)), report.exit_code


def verify_log(
    place: str, since: Optional[str], key: Optional[str], policy: Optional[str], lang: str, is_json: bool
) -> Tuple[str, int]:
    """The report on a published log, in a folder or at an address, as text (or JSON), and the exit code.

    ``since`` is a file with an older checkpoint that the log must still contain, ``policy`` one that names whose cosignatures count. What
    cannot be read gives a sentence and 2.
    """
    # here, and not above: it brings the network's modules along, which nothing else needs
    from archive_service.verifier import log_directory

    column = 0 if lang == "id" else 1
    try:
        keys = [] if key is None else read_keys(key)
    except (OSError, ValueError) as exc:
        return WORDS["bad_key"][column] % exc, 2
    try:
        trusted = None if policy is None else read_policy(policy)
    except (OSError, ValueError) as exc:
        return WORDS["bad_policy"][column] % exc, 2
    older = None
    if since is not None:
        try:
            with open_file(since, lang) as file:
                older = file.read(NOTE_LIMIT_BYTES + 1)
        except (OSError, ValueError) as exc:
            return WORDS["bad_file"][column] % (since, getattr(exc, "strerror", None) or exc), 2
    try:
        report = log_directory.check_log(
            log_directory.open_log(place),
            keys,
            since=older,
            policy=trusted,
            now=datetime.now(timezone.utc),
            progress=_show_progress,
        )
    except (log_directory.LogUnreadable, ValueError) as exc:
        return WORDS["bad_log"][column] % (one_line(place), one_line(str(exc))), 2
    if is_json:
        return json.dumps(report.plain(), indent=2, ensure_ascii=False), report.exit_code
    return "\n".join(report.lines(lang)), report.exit_code


def _show_progress(done: int, whole: int) -> None:
    """Tell on a terminal how far a long log is read."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{whole}" + ("\n" if done == whole else ""))


def verify_anything(
    path: str,
    *,
    receipt: Optional[str] = None,
    since: Optional[str] = None,
    key: Optional[str],
    policy: Optional[str] = None,
    lang: str,
    is_json: bool,
) -> Tuple[str, int]:
    """The report on whatever is given, as text (or JSON), and the exit code; never an error for what a file holds."""
    if receipt is not None:
        return verify_document(path, receipt, key, lang, is_json)
    if path.startswith(("http://", "https://")) or os.path.isdir(path):
        return verify_log(path, since, key, policy, lang, is_json)
    return verify_file(path, key, lang, is_json, policy)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=FILE_NAME,
        description="Periksa paket arsip (.zip), dokumen dengan tanda terimanya, atau log (folder atau alamat).\n"
        "Verify an archived bundle (.zip), a document with its receipt, or a log (folder or address).",
        epilog="0: VALID. 1: INVALID. 2: tidak dapat dibaca / cannot be read. 3: CONSISTENT, ISSUER NOT CONFIRMED.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="paket, dokumen, atau log / the bundle, document or log")
    parser.add_argument("--receipt", metavar="FILE", help="tanda terima dokumen / the document's receipt")
    parser.add_argument(
        "--since",
        metavar="FILE",
        help="segel log lama yang harus termuat / an older checkpoint that the log must contain",
    )
    parser.add_argument(
        "--key",
        metavar="VKEY",
        help="kunci pemeriksa, atau berkas yang memuatnya, dari tempat penerbitannya / "
        "the verifier key, or a file that holds it, from where it is published",
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="saksi yang dihitung (berkas kebijakan: log, witness, group, quorum) / whose cosignatures count",
    )
    parser.add_argument("--lang", choices=["id", "en"], default="id", help="bahasa laporan / language of the report")
    parser.add_argument("--json", action="store_true", help="laporan sebagai JSON / the report as JSON")
    parser.add_argument(
        "--version", action="version", version=f"archive-service verifier {__version__}\nsha256 {own_digest()}"
    )
    return parser


def write_out(text: str, *, is_json: bool) -> None:
    """Write a report to the standard output, whatever characters the terminal knows."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        # JSON is UTF-8; on a terminal that lacks a sign an escape stands for it, and no report ends in an error for it
        reconfigure(encoding="utf-8", errors="replace") if is_json else reconfigure(errors="backslashreplace")
    sys.stdout.write(text + "\n")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line; the exit code: 0 valid, 1 discrepancies, 2 nothing to verify, 3 issuer not confirmed."""
    given: List[str] = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    text, code = verify_anything(
        options.file,
        receipt=options.receipt,
        since=options.since,
        key=options.key,
        policy=options.policy,
        lang=options.lang,
        is_json=options.json,
    )
    write_out(text, is_json=options.json)
    return code

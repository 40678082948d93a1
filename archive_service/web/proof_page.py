"""The page for proof: one file that checks bundles and receipts in the browser, served here and working from disk alike."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from archive_service.domain import manifest, note
from archive_service.domain.event import EVENT_TYPES
from archive_service.verifier.bag import ALWAYS_THERE
from archive_service.verifier.messages import DISCREPANCIES, DOCUMENT_STEPS, DOCUMENT_WORDS, STEPS
from archive_service.verifier.messages import WORDS as VERIFIER_WORDS
from archive_service.web.proof_page_words import WORDS
from archive_service.web.static import FOLDER as STATIC_FOLDER

FOLDER = Path(__file__).parent / "proof_page_parts"
FILE_NAME = "periksa.html"
SCRIPTS = (
    "hash.js",
    "ed25519.js",
    "canonical.js",
    "container.js",
    "note.js",
    "evidence.js",
    "steps.js",
    "verify.js",
    "page.js",
)
"""The parts of the one script, in their order: plain scripts, because a page from disk may import no modules."""

_PLACE = re.compile(r"\{\{ (part|word|english|text|choice):([a-z_-]+) \}\}")

blueprint = Blueprint("web_proof_page", __name__)


@dataclass(frozen=True)
class ProofPage:
    """The page's bytes, and the policy that it carries and is served with."""

    data: bytes
    policy: str

    @property
    def digest_hex(self) -> str:
        """SHA-256 of the file, for publishing: whoever keeps a copy compares it."""
        return sha256(self.data).hexdigest()


def collect_facts() -> dict[str, Any]:
    """What the script takes from the verifier, so that sentences, names and limits cannot differ from the ones in Python."""
    event_types: dict[str, list[str]] = {type: sorted(kinds.streams) for (type, _), kinds in EVENT_TYPES.items()}
    return {
        "steps": [{"id": id, "texts": texts} for id, texts in STEPS.items()],
        "documentSteps": [{"id": id, "texts": texts} for id, texts in DOCUMENT_STEPS.items()],
        "discrepancies": DISCREPANCIES,
        "words": {**WORDS, **{f"document_{key}": texts for key, texts in DOCUMENT_WORDS.items()}},
        "badFile": VERIFIER_WORDS["bad_file"],
        "more": VERIFIER_WORDS["more"],
        "eventTypes": event_types,
        "extensions": manifest.EXTENSIONS,
        "alwaysThere": sorted(ALWAYS_THERE),
        "paths": {
            "readme": manifest.README,
            "verifier": manifest.VERIFIER,
            "evidence": manifest.EVIDENCE_FOLDER,
            "events": manifest.EVENTS,
            "registrations": manifest.REGISTRATIONS,
            "statement": manifest.STATEMENT,
            "openings": manifest.OPENINGS,
            "proofs": manifest.PROOFS,
            "checkpoint": manifest.CHECKPOINT,
            "keys": manifest.KEYS,
            "consistency": manifest.CONSISTENCY,
            "checkpoints": manifest.CHECKPOINTS_FOLDER,
            "persons": manifest.PERSONS_FOLDER,
            "definitions": manifest.DEFINITIONS_FOLDER,
            "documents": manifest.DOCUMENTS_FOLDER,
        },
        "texts": {"format": manifest.FORMAT, "bagit": manifest.BAGIT_TEXT, "readme": manifest.README_TEXT},
        "limits": {
            "events": manifest.EVENTS_LIMIT,
            "personEvents": manifest.PERSON_EVENTS_LIMIT,
            "eventTypes": manifest.EVENT_LIMITS,
            "attested": manifest.ATTESTED_LIMIT,
            "tokens": manifest.TOKENS_LIMIT,
            "logKeys": manifest.LOG_KEYS_LIMIT,
            "signatures": note.SIGNATURE_LIMIT,
            "evidence": manifest.EVIDENCE_LIMIT_BYTES,
            "values": manifest.VALUES_LIMIT,
            "evidenceTotal": manifest.EVIDENCE_TOTAL_LIMIT_BYTES,
        },
    }


_FACE = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def _tokens() -> str:
    """The colours and faces of the service, without the font that only the service could send."""
    return re.sub(
        r"@font-face \{.*?\}", "", (STATIC_FOLDER / "tokens.css").read_text(encoding="utf-8"), flags=re.DOTALL
    )


def _source_digest(text: str) -> str:
    """How a content security policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def _fill(what: str, key: str, parts: Mapping[str, str]) -> str:
    """What stands at a place of the page: a part, a word in either language, words that follow the language, a file to choose."""
    if what == "part":
        return parts[key]
    if what == "choice":
        hint = f"{key}_hint"
        return (
            f'<div class="choice">\n<label for="{key}">{_fill("text", key.replace("-", "_"), parts)}</label>\n'
            f'<div><input type="file" id="{key}"><label class="button quiet" for="{key}">{_fill("text", "choose", parts)}</label> '
            f'<span class="chosen" data-chosen="{key}"></span></div>\n'
            + (f"<small>{_fill('text', hint, parts)}</small>\n" if hint in WORDS else "")
            + "</div>"
        )
    word = escape(WORDS[key][1 if what == "english" else 0])
    return f'<span data-text="{key}">{word}</span>' if what == "text" else word


@cache
def build_page() -> ProofPage:
    """The page, assembled from its parts: the same parts give the same bytes."""
    facts = json.dumps(collect_facts(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    parts = [f"// {name}\n{(FOLDER / name).read_text(encoding='utf-8')}" for name in SCRIPTS]
    script = '\n"use strict";\n' + "\n".join([f"const FACTS = {facts};\n", *parts])
    style = "\n".join(
        [
            "",
            _tokens(),
            *(
                path.read_text(encoding="utf-8")
                for path in (FOLDER / "base.css", STATIC_FOLDER / "style.css", FOLDER / "page.css")
            ),
        ]
    )
    policy = (
        f"default-src 'none'; script-src {_source_digest(script)}; style-src {_source_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    template = (FOLDER / "page.html").read_text(encoding="utf-8")
    parts_of_page = {"policy": escape(policy), "script": script, "style": style}
    text = _PLACE.sub(lambda found: _fill(found[1], found[2], parts_of_page), template)
    return ProofPage(text.encode(), policy)


@blueprint.get("/periksa")
def page() -> ResponseReturnValue:
    """The page, for everybody: it holds nothing of this archive and sends nothing."""
    made = build_page()
    response = Response(made.data, mimetype="text/html")
    response.headers["Content-Security-Policy"] = f"{made.policy}; frame-ancestors 'none'"
    return _kept(response)


@blueprint.get("/periksa.sha256")
def digest() -> ResponseReturnValue:
    """Its SHA-256 as ``sha256sum -c`` reads it; worth something only beside one published elsewhere."""
    return _kept(Response(f"{build_page().digest_hex}  {FILE_NAME}\n", mimetype="text/plain"))


def _kept(response: Response) -> Response:
    """Asked for again each time, and sent again only by another version of the service."""
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(build_page().digest_hex)
    response.make_conditional(request)
    return response

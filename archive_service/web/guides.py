"""Help: the guides of ``docs/panduan``, one for each kind of work, as pages."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, render_template, send_from_directory
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from archive_service.domain import permissions
from archive_service.errors import NotFound
from archive_service.web.auth import find_actor

blueprint = Blueprint("web_guides", __name__, url_prefix="/bantuan")

_INSTALLED = Path(__file__).parents[1] / "panduan"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "docs" / "panduan"
"""Where the guides lie: in an installed package beside the code, in a checkout under docs."""
GUIDES = ("pelaksana", "auditor", "spmi", "administrator")
GUIDE_OF = {
    permissions.AUDITOR: "auditor",
    permissions.QUALITY_CHECKER: "spmi",
    permissions.ADMINISTRATOR: "administrator",
}
"""Role → the guide that is written for it; every other role performs steps."""


class Guide(NamedTuple):
    """A guide as a page: its title, its first sentence, its chapters with their anchors, and its text."""

    name: str
    title: str
    lead: str
    chapters: tuple[tuple[str, str], ...]
    body: Markup


@cache
def read_guide(name: str) -> Guide:
    """A guide of GUIDES. Raw HTML in its text stays text."""
    parser = MarkdownIt("commonmark", {"html": False})
    tokens = parser.parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    title, lead = tokens[1].content, tokens[4].content
    chapters = []
    for opening, words in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            anchor = _slug(words.content)
            opening.attrSet("id", anchor)
            chapters.append((anchor, words.content))
    body: list[Token] = tokens[6:]
    return Guide(name, title, lead, tuple(chapters), Markup(parser.renderer.render(body, parser.options, {})))


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _own() -> list[str]:
    """The names of all guides, those for the roles of whoever asks first."""
    actor = find_actor()
    roles = [] if actor is None else [a.role for a in actor.assignments]
    wanted = [GUIDE_OF.get(role, GUIDES[0]) for role in roles]
    return sorted(GUIDES, key=lambda name: (name not in wanted, GUIDES.index(name)))


@blueprint.get("")
def list_guides() -> ResponseReturnValue:
    """Every guide, one's own first; open to visitors: nothing in them is secret."""
    return render_template("guides.html", guides=[read_guide(name) for name in _own()], done=None)


@blueprint.get("/<guide>")
def show_guide(guide: str) -> ResponseReturnValue:
    """One guide with its table of contents."""
    if guide not in GUIDES:
        raise NotFound("guide_unknown", "There is no such guide; see the list of all of them.")
    others = [read_guide(name) for name in _own() if name != guide]
    return render_template("guide.html", guide=read_guide(guide), others=others, done=None)


@blueprint.get("/gambar/<name>")
def picture(name: str) -> ResponseReturnValue:
    """A picture of a guide."""
    return send_from_directory(FOLDER / "gambar", name, max_age=3600)

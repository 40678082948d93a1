"""Work units: the tree of them, and a new one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError
from archive_service.services import directory, people, reading
from archive_service.web.admin.page import act, show
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_units", __name__, url_prefix="/admin/unit")


def grow_tree(units: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The units each after the one that it is part of, with its ``depth``; who names an unknown parent stands at the top."""
    known = {unit["work_unit"] for unit in units}
    below: dict[str | None, list[dict[str, Any]]] = {}
    for unit in units:
        below.setdefault(unit["parent"] if unit["parent"] in known else None, []).append(unit)
    grown: list[dict[str, Any]] = []

    def take(parent: str | None, depth: int) -> None:
        for unit in below.get(parent, []):
            grown.append({**unit, "depth": depth})
            take(unit["work_unit"], depth + 1)

    take(None, 0)
    return grown


def _page(error: ArchiveError | None = None) -> Response:
    archive, actor = get_archive(), require_actor()
    actor.require("work_unit.manage")
    counts = directory.count_holders(archive, actor)
    units = [
        {**unit, "people": counts.get(unit["work_unit"], 0)}
        for unit in grow_tree(reading.list_work_units(archive, actor))
    ]
    return show("units.html", url_for("web_admin_units.list_units"), error, units=units)


@blueprint.get("")
def list_units() -> ResponseReturnValue:
    """All work units as a tree, with how many people hold a role in each today."""
    return _page()


@blueprint.post("")
def create_unit() -> ResponseReturnValue:
    """A new work unit."""
    form = request.form
    return act(
        lambda: people.create_work_unit(
            get_archive(),
            require_actor(),
            code=form.get("code", "").strip().lower(),
            name=form.get("name", ""),
            parent=form.get("parent") or None,
        ),
        _page,
        url_for("web_admin_units.list_units", done="unit_created"),
    )

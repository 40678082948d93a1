"""The working calendar: the days of a year, its versions, and forms for those who keep it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.domain.calendars import DATED_TABLES, REMOVE, SET, Change
from archive_service.errors import ArchiveError, Conflict, Forbidden, InvalidDefinition, InvalidInput
from archive_service.services import calendars, reading, sops
from archive_service.services.actor import office_date
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import STATUS
from archive_service.web.problems import sentence_for

blueprint = Blueprint("web_calendars", __name__, template_folder="templates")

SET_FORM = "set"
PERIOD_FORM = "period"


@blueprint.get("/calendars")
def show_calendars() -> ResponseReturnValue:
    """The days of a year that are not ordinary, and the versions of the calendar."""
    return _page(request.args.get("calendar", calendars.DEFAULT_KEY), request.args.get("year", ""))


@blueprint.post("/calendars/<calendar>/edits")
def edit_calendar(calendar: str) -> ResponseReturnValue:
    """Set or remove one day or period, in a new version."""
    typed = request.form
    year = _year_of(typed)
    try:
        calendars.edit_calendar(
            get_archive(),
            require_actor(),
            key=calendar,
            changes=[_change(typed)],
            reason=typed.get("reason", ""),
            based_on=typed.get("based_on", ""),
        )
    except (InvalidInput, InvalidDefinition, Conflict, Forbidden) as exc:
        return _page(calendar, year, exc)
    address = url_for("web_calendars.show_calendars", calendar=calendar, year=year, done="calendar_edited")
    return make_response(redirect(address, HTTPStatus.SEE_OTHER))


def _page(key: str, year: str, error: ArchiveError | None = None) -> Response:
    g.shown_at = url_for("web_calendars.show_calendars")
    archive, actor = get_archive(), require_actor()
    found = calendars.read_calendar(archive, actor, key=key)
    definition = found["definition"]
    years = [str(y) for y in range(int(definition["covers_from"][:4]), int(definition["covers_to"][:4]) + 1)]
    today = office_date(archive.log.clock())[:4]
    chosen = year if year in years else today if today in years else years[-1]
    units = reading.list_work_units(archive, actor)
    problem, status = None, HTTPStatus.OK
    if error is not None:
        status = next((s for kind, s in STATUS if isinstance(error, kind)), HTTPStatus.UNPROCESSABLE_ENTITY)
        problem = sentence_for(error.code, error.detail)
        if isinstance(error, InvalidDefinition):
            # which hour or day it is stands only in the problems themselves
            problem = " ".join([sentence_for(error.code), *(f"{p.place}: {p.message}." for p in error.problems)])
    page = render_template(
        "calendars.html",
        calendar=found,
        year=chosen,
        years=years,
        rows=_rows(definition, chosen),
        profiles=definition["profiles"],
        units=units,
        unit_names={unit["work_unit"]: unit["name"] for unit in units},
        versions=calendars.list_calendar(archive, actor, key=key),
        may_edit=actor.may("calendar.edit"),
        use=sops.count_use(archive, actor) if actor.may("calendar.edit") else {},
        may_look=actor.may("definition.manage"),
        typed=request.form if error is not None else {},
        problem=problem,
        refused_form=_form_of(request.form) if error is not None else None,
        done=request.args.get("done"),
    )
    return make_response(page, status)


def _rows(definition: dict[str, Any], year: str) -> list[dict[str, Any]]:
    """The dated entries that touch a year, in order, each with its table."""
    found = []
    for table in DATED_TABLES:
        for entry in definition.get(table, []):
            first = entry.get("on") or entry["from"]
            last = entry.get("to", first)
            if first[:4] <= year <= last[:4]:
                found.append({**entry, "table": table, "first": first, "last": last})
    return sorted(found, key=lambda row: (row["first"], row["table"], row["title"]))


def _form_of(typed: Any) -> str:
    if typed.get("action") == REMOVE:
        return "-".join(["remove", *(typed.get(name, "") for name in ("table", "unit", "on", "from", "title"))])
    return PERIOD_FORM if "from" in typed else SET_FORM


def _change(typed: Any) -> Change:
    """The change that a form asks for; a unit makes a day or period one of its own."""
    unit = typed.get("unit") or None
    if typed.get("action") == REMOVE:
        entry = {name: typed.get(name) or None for name in ("unit", "on", "from")}
        table = typed.get("table", "")
        title = {"title": typed.get("title")} if table == "closed_days" else {}
        return Change(REMOVE, table, {**entry, **title})
    entry = {name: typed.get(name, "") for name in ("title", "decree", "status")}
    if "from" in typed:
        period = {name: typed.get(name, "") for name in ("from", "to", "profile")}
        return Change(SET, "special_periods" if unit is None else "unit_shifts", {**entry, **period, "unit": unit})
    entry["on"] = typed.get("on", "")
    hours = typed.get("hours", "").strip()
    if unit is None:
        if hours:
            raise InvalidInput("hours_without_unit", "Hours are those of one work unit; choose it.")
        return Change(SET, "closed_days", {**entry, "kind": typed.get("kind", "")})
    sessions = [part.strip().replace(".", ":").split("-", 1) for part in hours.replace("–", "-").split(",") if part]
    return Change(SET, "unit_days", {**entry, "unit": unit, "sessions": [[t.strip() for t in s] for s in sessions]})


def _year_of(typed: Any) -> str:
    return str(typed.get("on") or typed.get("from") or "")[:4]

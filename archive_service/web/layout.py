"""What every page is made with: filters, the person in its header, the token in its forms, the language that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request
from jinja2 import pass_context

from archive_service import i18n
from archive_service.services import account, desk, log, notices
from archive_service.verifier.onefile import own_digest
from archive_service.web import auth, narration, policy, wording
from archive_service.web.icons import icon
from archive_service.web.menu import menu_of
from archive_service.web.problems import sentence_for
from archive_service.web.static import static_url

LANGUAGE_SECONDS = 365 * 24 * 3600
THEMES = ("light", "dark")


def register(app: Flask) -> None:
    """Give the templates their filters and functions, and keep the language that somebody chose."""
    for name, function in (
        ("moment", wording.moment_text),
        ("day", wording.day_text),
        ("due", wording.due_text),
        ("hour", wording.hour_text),
        ("pair", lambda value: (value, value)),
        ("unit_choice", lambda unit: (unit["work_unit"], unit["name"])),
        ("narrate", narration.narrate),
        ("by_day", lambda history: narration.by_day(history, wording.office_day)),
        ("minutes", wording.minutes_text),
        ("duration", wording.duration_text),
        ("size", wording.size_text),
        ("roman", wording.roman),
        ("word", wording.word_for),
        ("column", wording.column_word),
        ("media", wording.media_text),
        ("suffixes", wording.suffixes),
        ("sentence", sentence_for),
        ("headline", wording.headline),
        ("device", wording.device_words),
    ):
        app.add_template_filter(_at_each_request(function), name)
    app.context_processor(
        lambda: {
            "static_url": static_url,
            "verifier_digest": own_digest,
            "script_nonce": policy.script_nonce,
            "form_token": auth.form_token,
            "find_person": find_person,
            "find_log_stop": find_log_stop,
            "here": here,
            "icon": icon,
            "theme": theme,
            "done_sentence": wording.done_sentence,
            "unit_choices": lambda units: [(u["work_unit"], u["name"]) for u in units],
            "sop_choices": lambda sops: [(s["key"], s["number"]) for s in sops],
            "word_choices": lambda codes: [(code, wording.word_for(code)) for code in codes],
            "is_demo": auth.get_archive().settings.demo,
        }
    )
    app.after_request(_keep_choices)


def _at_each_request(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a filter that is asked each time: else a constant's word is fixed in the language of the first who sees it."""

    @pass_context
    def asked(context: object, *values: Any) -> Any:
        return function(*values)

    return asked


def find_person() -> dict[str, Any] | None:
    """Name and roles of the person who is logged in, for the header; None for a visitor."""
    actor = auth.find_actor()
    if actor is None:
        return None
    if "web_person" not in g:
        archive = auth.get_archive()
        found = desk.read_person(archive, actor)
        unread = notices.count_unread(archive, actor)
        last_day = account.find_last_day(archive, actor)
        g.web_person = {**found, "unread": unread, "menu": menu_of(actor, found), "last_day": last_day}
    person: dict[str, Any] = g.web_person
    return person


def find_log_stop() -> log.LogStop | None:
    """Why the log signs nothing more, for the banner on every page; None while it signs."""
    with auth.get_archive().db.read() as session:
        return log.find_stop(session)


def here() -> str:
    """The address of the page that is shown, which a form that was refused shows under another one."""
    address: str = g.get("shown_at", request.path)
    # "//elsewhere" as the beginning of a link would lead to another site, and browsers read a backslash as a slash
    return "/" + quote(address.lstrip("/\\"))


def theme() -> str | None:
    """``light`` or ``dark`` when this browser chose one; None follows the device."""
    chosen = request.args.get("theme", request.cookies.get("theme"))
    return chosen if chosen in THEMES else None


def _keep_choices(response: Response) -> Response:
    for name, choices in (("lang", i18n.LANGUAGES), ("theme", (*THEMES, "auto"))):
        chosen = request.args.get(name)
        if chosen in choices:
            response.set_cookie(name, str(chosen), max_age=LANGUAGE_SECONDS, samesite="Lax", secure=request.is_secure)
    return response

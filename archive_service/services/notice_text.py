"""The words of notices, through the catalogues; pages and mails say the same.

``translate`` is gettext in the reader's language: the page's, or for a mail the one that the service is set to.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_datetime, get_timezone

import archive_service

Translate = Callable[[str], str]
CATALOGUES = Path(archive_service.__file__).parent / "translations"
ZONE = "Asia/Jakarta"


@cache
def translator(language: str) -> Translate:
    """The texts in a language; the English ones where there is no catalogue."""
    return gettext.translation("messages", CATALOGUES, [language], fallback=True).gettext


def headline(notice: Mapping[str, Any], translate: Translate) -> str:
    """What a notice says in one line: step, round and activity, without any name of a person.

    A kind that is not known here is said as "something that concerns you".
    """
    _ = translate
    sentences = {
        "step_yours": _("Step %(step)s is yours"),
        "step_returned": _("Step %(step)s was returned to you"),
        "due_soon": _("Step %(step)s is due soon"),
        "overdue": _("The time norm of step %(step)s has passed"),
        "others_overdue": _("The time norm of step %(step)s, whose explanation you answer to, has passed"),
        "deviation": _("A deviation of step %(step)s was recorded"),
        "explanation_due": _("Your explanation is awaited"),
        "explanation_returned": _("Your explanation was returned with a question"),
        "explanation_given": _("An explanation waits for your answer"),
        "deviation_escalated": _("A deviation that nobody explained in time was brought before you"),
        "finding_action": _("A corrective action is yours"),
        "decision_flagged": _("A decision was flagged"),
        "delegation_given": _("You stand in for somebody"),
        "delegation_confirmed": _("A delegation was confirmed"),
        "audit_found": _("An audit of the archive found discrepancies"),
        "password_reset": _("An administrator set a new password for you"),
        "reset_link_made": _("An administrator made a link to set a new password for you"),
        "passkey_registered": _("A passkey was registered for you"),
        "passkey_revoked": _("A passkey of yours was revoked"),
        "passkey_registered_of": _("Somebody registered a passkey"),
        "passkey_revoked_of": _("Somebody revoked a passkey"),
        "assignment_changed": _("Your roles were changed"),
    }
    text = sentences.get(str(notice["kind"]), _("There is something that concerns you"))
    if notice["kind"] == "deviation" and notice["step"] is None:
        text = _("Deviation recorded")
    if "%(step)s" in text:
        text %= {"step": notice["step"] or "–"}
    if (notice["iteration"] or 1) > 1:
        text += " " + _("(round %(round)s)") % {"round": notice["iteration"]}
    return text if notice["activity"] is None else f"{text}: {notice['activity']}"


def mail_subject(notice: Mapping[str, Any], translate: Translate) -> str:
    """The subject of the mail of one notice."""
    return headline(notice, translate)[:150]


def digest_subject(count: int, moment: datetime, language: str, translate: Translate) -> str:
    """The subject of the mail of the day."""
    _ = translate
    day = str(format_datetime(moment, "EEEE, d MMMM y", get_timezone(ZONE), locale=language))
    return _("Your work of %(day)s: %(count)s notices") % {"day": day, "count": count}


def mail_body(
    name: str | None,
    notices: list[tuple[Mapping[str, Any], str]],
    language: str,
    translate: Translate,
    *,
    left: int = 0,
) -> str:
    """The text of a mail: each notice with its dossier, its due time and the address that leads to it; ``left`` more are not in it."""
    _ = translate
    lines = [_("Dear %(name)s,") % {"name": name or _("colleague")}, ""]
    for notice, link in notices:
        lines.append(headline(notice, translate))
        if notice["title"] is not None:
            about = [str(notice["title"]), *([str(notice["work_unit_name"])] if notice["work_unit_name"] else [])]
            lines.append("  " + ", ".join(about))
        if notice["due_at"] is not None:
            lines.append("  " + _("Until when") + ": " + moment_text(notice["due_at"], language))
        lines += [f"  {link}", ""]
    if left:
        lines += [_("%(count)s more stand on your page.") % {"count": left}, ""]
    lines += [
        "-- ",
        _("This mail was sent by the document archive. Answers to it are read by nobody."),
        _("Your address is set on the page of your settings."),
    ]
    return "\n".join(lines) + "\n"


def moment_text(moment: str | datetime, language: str) -> str:
    """An instant in the office's zone, to the minute."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return str(format_datetime(when, "EEEE, d MMMM y HH.mm", get_timezone(ZONE), locale=language)) + " WIB"

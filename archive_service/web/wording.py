"""Words of the domain as people read them, through the catalogues."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask_babel import format_date, format_datetime, format_decimal, gettext, lazy_gettext, ngettext, to_user_timezone

from archive_service.services import notice_text

WORKING_DAY_SECONDS = 450 * 60

WORDS: dict[str, Any] = {
    "open": lazy_gettext("running"),
    "sealed": lazy_gettext("archived"),
    "cancelled": lazy_gettext("cancelled"),
    "waiting": lazy_gettext("waiting"),
    "running": lazy_gettext("running"),
    "finished": lazy_gettext("finished"),
    "superseded": lazy_gettext("superseded"),
    "submitted": lazy_gettext("submitted"),
    "approved": lazy_gettext("approved"),
    "returned": lazy_gettext("returned"),
    "archived": lazy_gettext("archived"),
    "on_time": lazy_gettext("on time"),
    "late": lazy_gettext("late"),
    "complete": lazy_gettext("complete"),
    "gaps": lazy_gettext("gaps"),
    "nothing_required": lazy_gettext("nothing required, nothing checked"),
    "optional": lazy_gettext("not required, not there"),
    "not_checked": lazy_gettext("no document, not checked"),
    "attachment": lazy_gettext("attachment"),
    "room": lazy_gettext("Room"),
    "shelf": lazy_gettext("Shelf"),
    "box": lazy_gettext("Box"),
    "folder": lazy_gettext("Folder"),
    "document.paper_recorded": lazy_gettext("Paper original recorded"),
    "approve": lazy_gettext("approve"),
    "return": lazy_gettext("return"),
    "time_norm_passed": lazy_gettext("time norm passed"),
    "input_missing": lazy_gettext("required input missing"),
    "output_missing": lazy_gettext("output missing"),
    "indicator_missing": lazy_gettext("indicator without evidence"),
    "indicator_result_missing": lazy_gettext("indicator without result"),
    "document_damaged": lazy_gettext("document damaged"),
    "no_performer": lazy_gettext("nobody holds the role"),
    "sealed_with_open_deviations": lazy_gettext("archived with unexplained deviations"),
    "wrong_order": lazy_gettext("said to have happened before its step began"),
    "decision_without_document": lazy_gettext("decision without a document"),
    "duty_exception": lazy_gettext("exception from separate duties"),
    "sop_changed": lazy_gettext("the SOP changed meanwhile"),
    "not_started": lazy_gettext("not carried out"),
    "asked_again": lazy_gettext("asked again"),
    "accepted": lazy_gettext("accepted"),
    "relieved": lazy_gettext("no longer shown by the newest verdict"),
    "escalated": lazy_gettext("escalated"),
    "paused": lazy_gettext("paused"),
    "skipped": lazy_gettext("skipped"),
    "not_applicable": lazy_gettext("does not apply"),
    "outside_party": lazy_gettext("waiting for an outside party"),
    "force_majeure": lazy_gettext("force majeure"),
    "system_outage": lazy_gettext("system outage"),
    "official_duty": lazy_gettext("another official duty"),
    "other": lazy_gettext("another cause"),
    "met": lazy_gettext("carried out"),
    "candidate": lazy_gettext("candidate"),
    "classified": lazy_gettext("classified"),
    "caused": lazy_gettext("cause stated"),
    "planned": lazy_gettext("action under way"),
    "ineffective": lazy_gettext("action did not work"),
    "closed": lazy_gettext("closed"),
    "kts_major": lazy_gettext("major nonconformity"),
    "kts_minor": lazy_gettext("minor nonconformity"),
    "observation": lazy_gettext("observation"),
    "positive": lazy_gettext("positive finding"),
    "rejected": lazy_gettext("no finding"),
    "finding.proposed": lazy_gettext("Finding proposed"),
    "finding.classified": lazy_gettext("Finding classified"),
    "finding.cause_stated": lazy_gettext("Root cause stated"),
    "finding.action_set": lazy_gettext("Corrective action set"),
    "finding.action_done": lazy_gettext("Corrective action done"),
    "finding.effect_checked": lazy_gettext("Effect checked"),
    "text": lazy_gettext("What was found"),
    "problem": lazy_gettext("Problem"),
    "location": lazy_gettext("Location"),
    "evidence": lazy_gettext("Objective evidence"),
    "reference": lazy_gettext("Reference"),
    "cause": lazy_gettext("Root cause"),
    "action": lazy_gettext("Corrective action"),
    "note": lazy_gettext("What was done"),
    "auditor": lazy_gettext("Auditor"),
    "quality_checker": lazy_gettext("Quality checker"),
    "administrator": lazy_gettext("Administrator"),
    "contributor": lazy_gettext("In charge of indicators"),
    "present": lazy_gettext("in place"),
    "missing": lazy_gettext("missing"),
    "damaged": lazy_gettext("damaged"),
    "intact": lazy_gettext("intact"),
    "unreadable": lazy_gettext("unreadable"),
    "explained": lazy_gettext("explained"),
    "unexplained": lazy_gettext("not explained yet"),
    "done": lazy_gettext("done"),
    "ongoing": lazy_gettext("under way"),
    "dropped": lazy_gettext("not pursued"),
    "unanswered": lazy_gettext("not answered yet"),
    "application": lazy_gettext("Application"),
    "address": lazy_gettext("Address"),
    "number": lazy_gettext("Number"),
    "dossier.opened": lazy_gettext("Dossier opened"),
    "step.started": lazy_gettext("Step started"),
    "step.reassigned": lazy_gettext("Step handed over"),
    "step.moved": lazy_gettext("Step moved by delegation"),
    "decision.flagged": lazy_gettext("Decision flagged"),
    "assignment_changed": lazy_gettext("role given by an administrator alone"),
    "password_reset": lazy_gettext("password set by an administrator"),
    "plh": "Plh.",
    "plt": "Plt.",
    "delegation_proposed": lazy_gettext("waits for its confirmation"),
    "delegation_confirmed": lazy_gettext("confirmed"),
    "delegation_declined": lazy_gettext("declined"),
    "delegation_withdrawn": lazy_gettext("withdrawn"),
    "delegation_in_force": lazy_gettext("in force"),
    "delegation_ended": lazy_gettext("ended"),
    "document.received": lazy_gettext("Document received"),
    "document.withdrawn": lazy_gettext("Document withdrawn"),
    "document.refused": lazy_gettext("Document refused"),
    "step.submitted": lazy_gettext("Step submitted"),
    "decision.made": lazy_gettext("Decision made"),
    "step.judged": lazy_gettext("Verdict given"),
    "deviation.recorded": lazy_gettext("Deviation recorded"),
    "deviation.explained": lazy_gettext("Deviation explained"),
    "explanation.accepted": lazy_gettext("Explanation accepted"),
    "explanation.returned": lazy_gettext("Explanation asked for again"),
    "deviation.escalated": lazy_gettext("Deviation escalated"),
    "step.skipped": lazy_gettext("Step skipped"),
    "pause.granted": lazy_gettext("Clock stopped"),
    "pause.ended": lazy_gettext("Clock runs again"),
    "duty.excepted": lazy_gettext("Exception from separate duties"),
    "calendar.adopted": lazy_gettext("Newer calendar taken"),
    "dossier.judged_again": lazy_gettext("Judged again by another calendar"),
    "dossier.cancellation_requested": lazy_gettext("Cancellation asked for"),
    "dossier.cancelled": lazy_gettext("Dossier cancelled"),
    "dossier.sealed": lazy_gettext("Dossier archived"),
    "fixity.checked": lazy_gettext("Documents checked"),
    "password": lazy_gettext("password"),
    "passkey": lazy_gettext("passkey"),
    "oidc": lazy_gettext("account of the institution"),
    "totp": lazy_gettext("authenticator app"),
    "recovery_code": lazy_gettext("recovery code"),
    "national": lazy_gettext("national holiday"),
    "joint_leave": lazy_gettext("joint leave"),
    "institution": lazy_gettext("closed by the institution"),
    "decreed": lazy_gettext("decreed"),
    "estimated": lazy_gettext("estimated"),
    "closed_days": lazy_gettext("closed day"),
    "special_periods": lazy_gettext("special period"),
    "unit_days": lazy_gettext("day of a work unit"),
    "unit_shifts": lazy_gettext("shift of a work unit"),
    "profiles": lazy_gettext("hours"),
    "added": lazy_gettext("added"),
    "removed": lazy_gettext("removed"),
    "changed": lazy_gettext("changed"),
    "indicator.set": lazy_gettext("Indicator listed"),
    "indicator.removed": lazy_gettext("Indicator taken off the list"),
    "indicator.result_recorded": lazy_gettext("Result of an indicator recorded"),
    "recommendation.carried": lazy_gettext("Recommendation carried over"),
    "recommendation.answered": lazy_gettext("Recommendation answered"),
    # administration
    "check_database": lazy_gettext("Database"),
    "check_store": lazy_gettext("Store"),
    "check_log": lazy_gettext("Log"),
    "check_jobs": lazy_gettext("Jobs"),
    "check_audit": lazy_gettext("Audit of the records"),
    "job_ready": lazy_gettext("ready"),
    "job_waiting": lazy_gettext("waiting for something"),
    "job_running": lazy_gettext("running"),
    "job_failed": lazy_gettext("given up"),
    "job_done": lazy_gettext("finished"),
    "assignment_in_force": lazy_gettext("in force"),
    "assignment_coming": lazy_gettext("still to come"),
    "assignment_over": lazy_gettext("over"),
    "login_active": lazy_gettext("may log in"),
    "login_locked": lazy_gettext("rests after wrong passwords"),
    "login_expired": lazy_gettext("outside of its dates"),
    "voucher_witness": lazy_gettext("Witness"),
    "voucher_authority": lazy_gettext("Time-stamp authority"),
    "security_biasa": lazy_gettext("ordinary / open"),
    "security_terbatas": lazy_gettext("limited"),
    "security_rahasia": lazy_gettext("secret"),
    "security_sangat_rahasia": lazy_gettext("top secret"),
    "disposition_musnah": lazy_gettext("destroyed"),
    "disposition_permanen": lazy_gettext("permanent"),
    "disposition_dinilai_kembali": lazy_gettext("appraised again"),
    "withdrawn": lazy_gettext("withdrawn"),
    "title": lazy_gettext("Title"),
    "file_name": lazy_gettext("File"),
    "reason": lazy_gettext("Reason"),
    "explanation": lazy_gettext("Explanation"),
    "recommendation": lazy_gettext("Recommendation"),
    "obstacle": lazy_gettext("Obstacle"),
    "follow_up": lazy_gettext("Follow-up"),
    "letter.number": lazy_gettext("Letter number"),
    "letter.sender": lazy_gettext("Sender"),
    "letter.agenda_number": lazy_gettext("Agenda number"),
    "receipt.application": lazy_gettext("Application"),
    "receipt.address": lazy_gettext("Address"),
    "receipt.number": lazy_gettext("Number"),
    "dossier": lazy_gettext("Dossier"),
    "period": lazy_gettext("Period"),
    "kind": lazy_gettext("Kind"),
    "sop": lazy_gettext("SOP"),
    "login": lazy_gettext("Log-in"),
    "roles": lazy_gettext("Roles"),
    "bundle.stored": lazy_gettext("Bundle stored"),
    "bundle.failed": lazy_gettext("Bundle failed"),
    "looked": lazy_gettext("looked at"),
    "fine": lazy_gettext("fine"),
    "finding": lazy_gettext("finding"),
    "sample_looked": lazy_gettext("looked at"),
    "sample_fine": lazy_gettext("fine"),
    "sample_finding": lazy_gettext("finding"),
    "sample.drawn": lazy_gettext("Random sample drawn"),
    "sample.item_judged": lazy_gettext("Dossier of a sample looked at"),
    "read_dossiers": lazy_gettext("List of dossiers read"),
    "read_dossier": lazy_gettext("Dossier read"),
    "read_document": lazy_gettext("Document read"),
    "read_preview": lazy_gettext("Preview read"),
    "read_events": lazy_gettext("Audit records read"),
    "read_bundle": lazy_gettext("Bundle read"),
    "read_people": lazy_gettext("People read"),
    "read_quality": lazy_gettext("Numbers of quality read"),
    "read_quality_export": lazy_gettext("Numbers of quality exported"),
    "read_findings": lazy_gettext("List of findings read"),
    "read_finding": lazy_gettext("Finding read"),
    "read_log": lazy_gettext("Published log read"),
    "read_search": lazy_gettext("Searched"),
    "read_sample": lazy_gettext("Random sample read"),
    "read_sample_export": lazy_gettext("Random sample exported"),
    "check_passed": lazy_gettext("holds"),
    "check_failed": lazy_gettext("does not hold"),
    "check_skipped": lazy_gettext("could not be checked"),
    "check_chain": lazy_gettext("Each record names the one before it, and none is missing."),
    "check_membership": lazy_gettext("Each record is in the log, under a checkpoint that the log's key signed."),
    "check_openings": lazy_gettext("Names, reasons and other texts are the ones that were recorded."),
    "check_moves": lazy_gettext("Each step followed where the SOP allows it, by whom it allows."),
    "check_duties": lazy_gettext("Nobody checked what they did themselves."),
    "check_time": lazy_gettext("The verdicts on time follow from the records and the calendar."),
    "check_locations": lazy_gettext("The place of each recorded document in the store is known."),
    "compared_same": lazy_gettext("The log is as it was then: nothing was changed, and nothing was added."),
    "compared_continued": lazy_gettext("The log has grown since, and everything from then is unchanged."),
    "compared_receipt_kept": lazy_gettext("The record of this receipt is in the log."),
    "compared_receipt_waiting": lazy_gettext(
        "The record of this receipt is stored; no checkpoint covers it yet. Try again in a moment."
    ),
    "compared_fork": lazy_gettext(
        "The log was changed: what it holds from that time is not what its own key signed then. Stop and tell somebody outside."
    ),
    "compared_shorter": lazy_gettext(
        "The log has lost records: it is shorter than what its own key signed. Stop and tell somebody outside."
    ),
    "compared_receipt_lost": lazy_gettext(
        "The record of this receipt is not in the archive any more. Stop and tell somebody outside."
    ),
    "compared_damaged": lazy_gettext("Stored parts of the log are missing or wrong. Stop and tell the administrator."),
    "compared_forged": lazy_gettext(
        "The signature under this log's name is wrong: the note was changed, or made by somebody else."
    ),
    "compared_not_signed": lazy_gettext("No key of this log signed the note. It says nothing about this log."),
    "compared_other_log": lazy_gettext("The note belongs to another log. Compare it there."),
    "compared_unreadable": lazy_gettext(
        "This is neither a checkpoint nor a receipt. Paste the whole note, with its lines of signature."
    ),
}
"""Codes of the domain → words; what is not here is shown as it is."""


COLUMNS: dict[str, Any] = {
    "quality": lazy_gettext("Quality"),
    "sop": lazy_gettext("SOP"),
    "step": lazy_gettext("Step"),
    "work_unit": lazy_gettext("Work unit's id"),
    "work_unit_name": lazy_gettext("Work unit"),
    "year": lazy_gettext("Year"),
    "quarter": lazy_gettext("Quarter"),
    "dossiers": lazy_gettext("Dossiers"),
    "sealed": lazy_gettext("archived"),
    "cancelled": lazy_gettext("cancelled"),
    "runs": lazy_gettext("rounds"),
    "running": lazy_gettext("running"),
    "overdue": lazy_gettext("overdue"),
    "on_time": lazy_gettext("on time"),
    "late": lazy_gettext("late"),
    "used_seconds": lazy_gettext("working time used (seconds)"),
    "limit_seconds": lazy_gettext("working time given (seconds)"),
    "complete": lazy_gettext("complete"),
    "incomplete": lazy_gettext("incomplete"),
    "returns": lazy_gettext("returns"),
    "sent_back": lazy_gettext("sent back to the step"),
    "deviations": lazy_gettext("deviations"),
    "open_deviations": lazy_gettext("deviations not settled yet"),
    "unexplained": lazy_gettext("deviations without an explanation"),
    "code": lazy_gettext("Deviation"),
    "state": lazy_gettext("State"),
    "responsible_name": lazy_gettext("Answers for it"),
    "at": lazy_gettext("Recorded at"),
    "dossier": lazy_gettext("Dossier"),
    "findings": lazy_gettext("Findings"),
    "finding": lazy_gettext("Finding's id"),
    "classification": lazy_gettext("Classification"),
    "proposed_at": lazy_gettext("Proposed at"),
    "proposed_by_name": lazy_gettext("Proposed by"),
    "text": lazy_gettext("As proposed"),
    "problem": lazy_gettext("Problem"),
    "cause": lazy_gettext("Cause"),
    "action": lazy_gettext("Corrective action"),
    "done": lazy_gettext("What was done"),
    "effect": lazy_gettext("What it brought"),
    "pic_name": lazy_gettext("Person in charge"),
    "due_on": lazy_gettext("Due on"),
    "on_time_rate": lazy_gettext("share on time"),
    "complete_rate": lazy_gettext("share complete"),
}
"""Columns of numbers → words."""

DONE: dict[str, Any] = {
    "sample_judged": lazy_gettext("The result is recorded."),
    "delegation_proposed": lazy_gettext("The delegation is proposed. Another person confirms it."),
    "delegation_confirmed": lazy_gettext("The delegation is confirmed; open steps move on its first day."),
    "delegation_declined": lazy_gettext("The delegation is declined."),
    "delegation_withdrawn": lazy_gettext("The proposal is withdrawn."),
    "delegation_ended": lazy_gettext("The delegation has ended; open steps went back."),
    "attested": lazy_gettext("Your attestation is recorded."),
    "password_changed": lazy_gettext("Your password is changed. Other sessions of yours have ended."),
    "opened": lazy_gettext("The dossier is open; step 1 is running."),
    "submitted": lazy_gettext("The step is submitted."),
    "approved": lazy_gettext("Approved. The next step has started."),
    "returned": lazy_gettext("Returned with your reason."),
    "archived": lazy_gettext("The dossier is archived. Its bundle is being built."),
    "passkey_registered": lazy_gettext("The passkey is registered. From now on you sign your decisions with it."),
    "passkey_revoked": lazy_gettext("The passkey is revoked."),
    "received": lazy_gettext("The document is received. Keep its receipt."),
    "filled_in": lazy_gettext("The form is taken in as a PDF. Keep its receipt."),
    "paper_recorded": lazy_gettext("What you know of the paper original is recorded."),
    "withdrawn": lazy_gettext("The version is withdrawn; its record stays."),
    "explained": lazy_gettext("Your explanation is recorded."),
    "calendar_edited": lazy_gettext("The calendar has a new version. Verdicts that were given stay as they are."),
    "password_chosen": lazy_gettext("Your new password is set. Log in with it."),
    "mail_verified": lazy_gettext("Your mail address is verified."),
    "verification_sent": lazy_gettext("The link is on its way to your mail address."),
    "session_ended": lazy_gettext("That browser is logged out."),
    "sessions_ended": lazy_gettext("All other browsers are logged out."),
    "login_validity_set": lazy_gettext("The dates of the log-in are set."),
    "login_sessions_ended": lazy_gettext("Every session of the log-in has ended."),
    "login_app_removed": lazy_gettext("The authenticator app is taken away; the person sets a new one up."),
    "token_revoked": lazy_gettext("The token is worth nothing any more."),
    "account_linked": lazy_gettext("The account is linked: you can log in with it."),
    "account_unlinked": lazy_gettext("The link is taken away."),
    "totp_removed": lazy_gettext("The authenticator app is removed."),
    "mail_set": lazy_gettext("Your mail address is saved."),
    "indicators_listed": lazy_gettext("The indicators are listed."),
    "indicator_removed": lazy_gettext("The indicator is off the list; its record stays."),
    "result_recorded": lazy_gettext("The result is recorded."),
    "recommendation_answered": lazy_gettext("Your answer is recorded."),
    "accepted": lazy_gettext("The explanation is accepted."),
    "asked_again": lazy_gettext("The explanation is asked for again."),
    "paused": lazy_gettext("The clock of the step stands."),
    "obligations_set": lazy_gettext("The quarter is open for the work units."),
    "finding_proposed": lazy_gettext("The finding is proposed; an auditor classifies it."),
    "finding_step": lazy_gettext("The step of the finding is recorded."),
    "resumed": lazy_gettext("The clock of the step runs again."),
    "judged_again": lazy_gettext("Judged again; the earlier verdicts stand beside the new ones."),
    "excepted": lazy_gettext("The exception is recorded; it is a deviation that you answer for."),
    "job_retried": lazy_gettext("The job is tried again."),
    "unit_created": lazy_gettext("The work unit is added."),
    "person_registered": lazy_gettext("The person is registered. Now give them a role."),
    "role_assigned": lazy_gettext("The role is given."),
    "role_ended": lazy_gettext("The role has ended."),
    "login_created": lazy_gettext("The log-in is added."),
    "login_password_set": lazy_gettext("The new password is set; every browser of this log-in is logged out."),
    "login_mail_set": lazy_gettext("The mail address is changed."),
    "webhook_removed": lazy_gettext("The webhook is removed."),
    "sop_registered": lazy_gettext("The version is registered. New dossiers begin with it."),
    "schedule_registered": lazy_gettext(
        "The schedule is registered. Dossiers that are archived from its first day on follow it."
    ),
    "obligation_withdrawn": lazy_gettext("The obligation is withdrawn."),
}
"""What a page says after a form went through."""

MEDIA: dict[str, tuple[str, str]] = {
    "application/pdf": ("PDF", ".pdf"),
    "image/jpeg": ("JPG", ".jpg,.jpeg"),
    "image/png": ("PNG", ".png"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("DOCX", ".docx"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("XLSX", ".xlsx"),
}
"""Media types as people call them, and what their files' names end in."""


def done_sentence(code: str | None) -> str:
    """What became of the form that led to this page; nothing for a code that is not ours."""
    return str(DONE.get(code or "", ""))


def media_text(types: list[str]) -> str:
    """The types that a step takes, as people call them."""
    return ", ".join(MEDIA[t][0] if t in MEDIA else t for t in types)


def suffixes(types: list[str]) -> str:
    """The ``accept`` of a file field."""
    return ",".join(MEDIA[t][1] if t in MEDIA else t for t in types)


def moment_text(value: str | datetime | None) -> str:
    """An instant in the office's zone, to the minute."""
    if value is None:
        return ""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return str(format_datetime(moment, "EEE, d MMM y HH.mm")) + " WIB"


def due_text(value: str | datetime | None, now: datetime) -> str:
    """An instant as somebody planning their day says it: today, tomorrow or yesterday by name, any other day by date."""
    if value is None:
        return str(gettext("the clock stands"))
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    days = (_local(moment).date() - _local(now).date()).days
    words = {0: gettext("today"), 1: gettext("tomorrow"), -1: gettext("yesterday")}
    if days not in words:
        return moment_text(moment)
    return f"{words[days]} {format_datetime(moment, 'HH.mm')} WIB"


def day_text(value: str | None) -> str:
    """A date ``YYYY-MM-DD`` in words."""
    return "" if value is None else str(format_date(datetime.fromisoformat(value), "EEEE, d MMMM y"))


def hour_text(value: str) -> str:
    """The time of day of an instant in the office's zone."""
    return str(format_datetime(datetime.fromisoformat(value), "HH.mm"))


def office_day(value: str) -> str:
    """The date ``YYYY-MM-DD`` of an instant in the office's zone."""
    return _local(datetime.fromisoformat(value)).strftime("%Y-%m-%d")


def _local(moment: datetime) -> datetime:
    local: datetime = to_user_timezone(moment)
    return local


_BROWSERS = (
    # the first that is found: each one names those after it, too
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_words(agent: str | None) -> str:
    """What people call the browser and the system that a User-Agent names."""
    browser = next((name for mark, name in _BROWSERS if mark in (agent or "")), None)
    system = next((name for mark, name in _SYSTEMS if mark in (agent or "")), None)
    if browser and system:
        return str(gettext("%(browser)s on %(system)s", browser=browser, system=system))
    return browser or system or str(gettext("unknown browser"))


def headline(notice: dict[str, Any]) -> str:
    """What a notice says in one line, in the page's language."""
    return notice_text.headline(notice, gettext)


def word_for(code: str | None) -> str:
    """The word for a code in the page's language."""
    if code is None:
        return ""
    return str(WORDS.get(code, code))


def column_word(code: str) -> str:
    """The heading of a column of numbers."""
    return str(COLUMNS.get(code, code))


def minutes_text(seconds: int) -> str:
    """Working time in whole minutes, in words."""
    number: Callable[[int], str] = format_decimal
    return str(gettext("%(count)s min", count=number(seconds // 60)))


def duration_text(seconds: int) -> str:
    """Working time for people who plan their day: working days (of 7 h 30 min, as the norms count), hours and minutes."""
    days, rest = divmod(max(seconds, 0), WORKING_DAY_SECONDS)
    if not days:
        return str(gettext("%(time)s of working time", time=_clock_text(rest)))
    text = str(ngettext("%(num)s working day", "%(num)s working days", days))
    return text if rest < 60 else f"{text} {_clock_text(rest)}"


def _clock_text(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if hours == 0:
        return minutes_text(seconds)
    if minutes == 0:
        return str(gettext("%(hours)s h", hours=hours))
    return str(gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes))


def roman(quarter: int) -> str:
    """A quarter as letters and reports write it."""
    return ("I", "II", "III", "IV")[quarter - 1]


def size_text(count: int) -> str:
    """A size in bytes for people."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{format_decimal(round(count / step, 1))} {unit}"
    return f"{count} B"

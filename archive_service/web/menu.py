"""The main menu of a person: groups of links to the pages that their roles have something on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext, lazy_gettext

from archive_service.services.actor import Actor


class Link(NamedTuple):
    """One entry: its words, its endpoint, and who sees it."""

    label: Any
    endpoint: str
    is_for: Callable[[Actor, dict[str, Any]], bool]


def _always(actor: Actor, person: dict[str, Any]) -> bool:
    return True


def _may(action: str) -> Callable[[Actor, dict[str, Any]], bool]:
    return lambda actor, person: actor.may(action)


GROUPS: tuple[tuple[Any, tuple[Link, ...]], ...] = (
    (
        lazy_gettext("Work"),
        (
            Link(lazy_gettext("My work"), "web_home.home", lambda actor, person: person["is_performer"]),
            Link(
                lazy_gettext("My indicators"), "web_indicators.list_own", lambda actor, person: person["is_contributor"]
            ),
            Link(lazy_gettext("Dossiers"), "web_dossiers.list_dossiers", _may("dossier.read")),
            Link(lazy_gettext("Search"), "web_search.find", _always),
        ),
    ),
    (
        lazy_gettext("Quality"),
        (
            Link(lazy_gettext("Overview"), "web_quality.overview", _may("dossier.read")),
            Link(lazy_gettext("Obligations"), "web_units.list_obligations", _may("obligation.read")),
            Link(lazy_gettext("Findings"), "web_findings.list_findings", _may("finding.read")),
        ),
    ),
    (
        lazy_gettext("Evidence"),
        (
            Link(lazy_gettext("Audit"), "web_auditor.home", _may("audit.work")),
            Link(lazy_gettext("Random samples"), "web_samples.list_samples", _may("sample.read")),
            Link(lazy_gettext("Audits of the records"), "web_audits.list_audits", _may("log.audit")),
            Link(lazy_gettext("Checkpoint of the log"), "web_checkpoint.show_checkpoint", _always),
            Link(lazy_gettext("Check in the browser"), "web_proof_page.page", _always),
        ),
    ),
    (
        lazy_gettext("Administration"),
        (
            Link(lazy_gettext("How the service stands"), "web_admin_overview.overview", _may("service.manage")),
            Link(lazy_gettext("Work units"), "web_admin_units.list_units", _may("work_unit.manage")),
            Link(lazy_gettext("People and roles"), "web_admin_people.list_people", _may("people.read")),
            Link(lazy_gettext("Log-ins"), "web_admin_users.list_users", _may("people.read")),
            Link(lazy_gettext("Versions of SOPs"), "web_admin_sops.list_sops", _may("definition.manage")),
            Link(lazy_gettext("Open a quarter"), "web_admin_obligations.show_quarter", _may("obligation.manage")),
            Link(lazy_gettext("Retention schedule"), "web_admin_retention.list_schedules", _may("definition.manage")),
            Link(lazy_gettext("API tokens"), "web_admin_tokens.list_tokens", _may("people.manage")),
            Link(lazy_gettext("Webhooks"), "web_admin_webhooks.list_webhooks", _may("webhook.manage")),
            Link(lazy_gettext("Witnesses"), "web_admin_vouchers.list_vouchers", _may("service.manage")),
        ),
    ),
    (
        lazy_gettext("Reference"),
        (
            Link(lazy_gettext("Delegation (Plh./Plt.)"), "web_delegations.list_delegations", _always),
            Link(lazy_gettext("Calendar"), "web_calendars.show_calendars", _always),
            Link(lazy_gettext("SOPs"), "web_sops.list_sops", _always),
            Link(lazy_gettext("Help"), "web_guides.list_guides", _always),
        ),
    ),
)
"""Group → its entries, in the order of the page; a group without an entry for a person is left out."""

MAIN = frozenset(["web_home.home", "web_indicators.list_own", "web_dossiers.list_dossiers", "web_search.find"])
"""What stands beside the groups, one click away."""


def menu_of(actor: Actor, person: dict[str, Any]) -> dict[str, Any]:
    """``main``: the links that stand by themselves; ``groups``: (words, links) of the rest; each link {label, url}."""
    main: list[dict[str, str]] = []
    groups: list[tuple[str, list[dict[str, str]]]] = []
    for title, links in GROUPS:
        shown: list[dict[str, str]] = []
        for link in links:
            if link.is_for(actor, person):
                entry = {"label": str(link.label), "url": url_for(link.endpoint)}
                (main if link.endpoint in MAIN else shown).append(entry)
        if shown:
            groups.append((str(title), shown))
    return {"main": main, "groups": groups, "label": gettext("Main menu")}

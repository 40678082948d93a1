"""Who may do what at all: the table's own rules, without a step's."""

from __future__ import annotations

import pytest

from archive_service.domain import permissions
from archive_service.domain.permissions import (
    ADMINISTRATOR,
    ALLOWED,
    AUDITOR,
    CONTRIBUTOR,
    PERFORMER,
    QUALITY_CHECKER,
    excludes,
    is_allowed,
    is_office,
    role_class,
)

OFFICE = [AUDITOR, QUALITY_CHECKER, ADMINISTRATOR]


@pytest.mark.parametrize("role", [*OFFICE, CONTRIBUTOR])
def test_roles_of_the_office_and_contributors_are_their_own_class(role: str) -> None:
    assert role_class(role) == role


def test_every_other_role_is_one_that_an_sop_names() -> None:
    assert role_class("section_head") == role_class("unheard_of") == PERFORMER


def test_the_office_reaches_all_units_and_nobody_else_does() -> None:
    assert [is_office(role) for role in OFFICE] == [True] * 3
    assert [is_office(role) for role in (CONTRIBUTOR, PERFORMER, "section_head", None)] == [False] * 4


def test_what_is_not_listed_is_refused() -> None:
    for role, actions in ALLOWED.items():
        held = "section_head" if role == PERFORMER else role
        assert {action for action in permissions.ACTIONS if is_allowed(held, action)} == actions
        assert not is_allowed(held, "no.such_action")
    assert not any(is_allowed(None, action) for action in permissions.ACTIONS)


def test_auditors_write_nothing_into_a_dossier_and_administrators_read_none() -> None:
    by_person = set(permissions.ACTION_OF_EVENT.values())
    assert not ALLOWED[AUDITOR] & by_person
    assert not ALLOWED[ADMINISTRATOR] & {*by_person, "dossier.read", "document.read", "events.read", "bundle.read"}


def test_every_event_of_a_dossier_has_its_action_or_follows_from_rules() -> None:
    assert set(permissions.ACTION_OF_EVENT.values()) <= permissions.ACTIONS
    assert not permissions.SERVICE_EVENTS & set(permissions.ACTION_OF_EVENT)


@pytest.mark.parametrize(
    ("role", "other", "is_excluded"),
    [
        (ADMINISTRATOR, "section_head", True),
        ("section_head", ADMINISTRATOR, True),
        (ADMINISTRATOR, CONTRIBUTOR, True),
        (CONTRIBUTOR, ADMINISTRATOR, True),
        (ADMINISTRATOR, AUDITOR, False),
        (ADMINISTRATOR, ADMINISTRATOR, False),
        (AUDITOR, "section_head", False),
        ("section_head", CONTRIBUTOR, False),
        (QUALITY_CHECKER, CONTRIBUTOR, False),
    ],
)
def test_an_administrator_performs_and_contributes_nothing(role: str, other: str, is_excluded: bool) -> None:
    assert excludes(role, other) is is_excluded

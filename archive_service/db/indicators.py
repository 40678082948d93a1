"""What is looked up about indicators: who is in charge, whose turn it is to send evidence, what a past period recommended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.db.models import (
    DefinitionRow,
    DossierRow,
    IndicatorResultRow,
    IndicatorRow,
    OpeningRow,
    PersonRow,
    RecommendationRow,
    UserRow,
)
from archive_service.db.queries import ReadScope


class PastRecommendation(NamedTuple):
    """A recommendation that no dossier has closed; the text is None where it was erased."""

    event_hash: str
    code: str | None
    text: str | None


def find_persons(session: Session, names: Iterable[str]) -> dict[str, list[str]]:
    """Text → the ids of the persons whom it is the log-in of, else the id of, else the name of; exactly as it is written."""
    wanted = set(names)
    found: dict[str, list[str]] = {}
    by_name = (
        select(OpeningRow.value, PersonRow.id)
        .join(PersonRow, (PersonRow.registered_hash == OpeningRow.event_hash) & (OpeningRow.field == "name"))
        .where(OpeningRow.value.in_(wanted))
        .order_by(PersonRow.id)
    )
    for name, person in session.execute(by_name):
        found.setdefault(name, []).append(person)
    for (person,) in session.execute(select(PersonRow.id).where(PersonRow.id.in_(wanted))):
        found[person] = [person]
    # a log-in is one person's alone: it goes before a name that reads the same
    for login, person in session.execute(select(UserRow.login, UserRow.person_id).where(UserRow.login.in_(wanted))):
        found[login] = [person]
    return found


def find_dossier_before(session: Session, *, work_unit: str, sop: str, year: int, quarter: int) -> str | None:
    """The dossier of an SOP in a unit of the newest period before this one, a sealed one rather than an open one; None without one."""
    is_before = (DossierRow.year < year) | ((DossierRow.year == year) & (DossierRow.quarter < quarter))
    return session.execute(
        select(DossierRow.id)
        .join(DefinitionRow, DefinitionRow.digest == DossierRow.sop_digest)
        .where(
            DossierRow.work_unit_id == work_unit,
            DefinitionRow.key == sop,
            DossierRow.status != "cancelled",
            is_before,
        )
        .order_by(
            DossierRow.year.desc(),
            DossierRow.quarter.desc(),
            (DossierRow.status == "sealed").desc(),
            DossierRow.opened_at.desc(),
            DossierRow.id.desc(),
        )
        .limit(1)
    ).scalar_one_or_none()


def list_open_recommendations(session: Session, dossier: str) -> list[PastRecommendation]:
    """What a dossier leaves to the next period: carried over and not closed, then its own newest results', in their order."""
    carried = session.execute(
        select(RecommendationRow.event_hash, RecommendationRow.code, OpeningRow.value)
        .outerjoin(
            OpeningRow,
            (OpeningRow.event_hash == RecommendationRow.event_hash) & (OpeningRow.field == "recommendation"),
        )
        .where(
            RecommendationRow.dossier_id == dossier,
            RecommendationRow.state.is_(None) | (RecommendationRow.state == "ongoing"),
        )
        .order_by(RecommendationRow.at, RecommendationRow.code, RecommendationRow.event_hash)
    )
    found = [PastRecommendation(event, code, text) for event, code, text in carried]
    results = session.execute(
        select(IndicatorResultRow, OpeningRow.value)
        .outerjoin(
            OpeningRow,
            (OpeningRow.event_hash == IndicatorResultRow.event_hash) & (OpeningRow.field == "recommendation"),
        )
        .where(IndicatorResultRow.dossier_id == dossier)
        .order_by(IndicatorResultRow.iteration, IndicatorResultRow.at, IndicatorResultRow.code)
    )
    # the newest iteration's word counts, whether or not it recommends anything
    newest = {(row.step, row.code): (row, text) for row, text in results}
    found.extend(
        PastRecommendation(row.event_hash, row.code, text) for row, text in newest.values() if row.has_recommendation
    )
    return found


def list_dossiers_in_charge(scope: ReadScope, session: Session, person: str, limit: int = 50) -> list[str]:
    """The open dossiers of the scope that list an indicator of this person's, the newest first."""
    rows = session.execute(
        select(DossierRow.id)
        .where(
            scope.condition(),
            DossierRow.status == "open",
            DossierRow.id.in_(select(IndicatorRow.dossier_id).where(IndicatorRow.person_id == person)),
        )
        .order_by(DossierRow.opened_at.desc(), DossierRow.id.desc())
        .limit(limit)
    ).scalars()
    return list(rows.all())

"""Delegations (Pelimpahan, Plh./Plt.): who acts for whom; proposed by one person, confirmed by another."""

from __future__ import annotations

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation, seen_states, with_state
from archive_service.api.paging import PageAnswer, PageQuery, is_id, page_answer, page_request
from archive_service.services import delegation_reading, delegations

blueprint = APIBlueprint("api_delegations", __name__, url_prefix="/api/v1/delegations", tag="people")


class DelegationBody(Body):
    """Who acts under whose assignment, from when to when, by which surat perintah; ``sops`` limits it to some SOPs."""

    substitute: str
    assignment: str
    mode: Literal["plh", "plt"]
    from_on: str
    to_on: str | None = None
    letter: str
    letter_on: str
    sops: list[str] = Field([], max_length=32)


class DelegationsQuery(PageQuery):
    """Which delegations."""

    state: Literal["proposed", "confirmed", "declined", "withdrawn"] | None = None


class ProposedDelegation(Answer):
    """The id of a proposal."""

    delegation: str


class ConfirmedDelegation(Answer):
    """The id of the substitute's assignment."""

    assignment: str


class ReadDelegation(Answer):
    """A delegation; ``assignment`` is the substitute's once it is confirmed, ``may`` what the reader may do with it."""

    delegation: str
    mode: str
    substitute: str
    substitute_name: str | None
    absent: str
    absent_name: str | None
    role: str
    role_title: str | None
    work_unit: str
    work_unit_name: str | None
    from_on: str
    to_on: str | None
    sops: list[str]
    letter: str | None
    letter_on: str
    state: str
    proposed_by: str
    proposed_by_name: str | None
    proposed_at: str
    answered_by: str | None
    answered_by_name: str | None
    answered_at: str | None
    assignment: str | None
    ended_at: str | None
    is_in_force: bool
    event: str
    may: list[str]


class DelegationPage(PageAnswer):
    """A page of delegations, newest first."""

    delegations: list[ReadDelegation]


@blueprint.get("")
@operation(answer=DelegationPage, query=DelegationsQuery)
def list_delegations(query: DelegationsQuery) -> ResponseReturnValue:
    """The delegations of one's units and one's own; all of them for office roles."""
    page = page_request(query, "delegations", is_id)
    found = delegation_reading.page_delegations(get_archive(), require_actor(), page=page, state=query.state)
    return page_answer("delegations", found)


@blueprint.get("/<id:delegation>")
@operation(answer=ReadDelegation)
def read_delegation(delegation: str) -> ResponseReturnValue:
    """One delegation."""
    found, head = delegation_reading.read_delegation(get_archive(), require_actor(), delegation=delegation)
    return with_state(head, jsonify(found))


@blueprint.post("")
@operation(answer=ProposedDelegation, status=201, body=DelegationBody, takes_key=True, refuses=[404])
def propose_delegation(body: DelegationBody) -> ResponseReturnValue:
    """Propose that somebody acts for an absent person."""
    delegation = delegations.propose_delegation(
        get_archive(),
        require_actor(),
        substitute=body.substitute,
        assignment=body.assignment,
        mode=body.mode,
        from_on=body.from_on,
        to_on=body.to_on,
        letter=body.letter,
        letter_on=body.letter_on,
        sops=body.sops,
    )
    return jsonify({"delegation": delegation}), 201, {"Location": f"/api/v1/delegations/{delegation}"}


@blueprint.post("/<id:delegation>/confirmation")
@operation(answer=ConfirmedDelegation, status=201, takes_key=True, takes_match=True)
def confirm_delegation(delegation: str) -> ResponseReturnValue:
    """Confirm a proposal as another person than the proposer; the substitute holds the role, and open steps move."""
    made = delegations.confirm_delegation(get_archive(), require_actor(), delegation=delegation, seen=seen_states())
    return jsonify({"assignment": made}), 201, {"Location": f"/api/v1/assignments/{made}"}


@blueprint.post("/<id:delegation>/refusal")
@operation(status=204, takes_key=True, takes_match=True)
def decline_delegation(delegation: str) -> ResponseReturnValue:
    """Decline a proposal."""
    delegations.decline_delegation(get_archive(), require_actor(), delegation=delegation, seen=seen_states())
    return "", 204


@blueprint.post("/<id:delegation>/withdrawal")
@operation(status=204, takes_key=True, takes_match=True)
def withdraw_delegation(delegation: str) -> ResponseReturnValue:
    """Take a proposal back."""
    delegations.withdraw_delegation(get_archive(), require_actor(), delegation=delegation, seen=seen_states())
    return "", 204


@blueprint.post("/<id:delegation>/ending")
@operation(status=204, takes_key=True, takes_match=True)
def end_delegation(delegation: str) -> ResponseReturnValue:
    """End a confirmed delegation now; the steps go back."""
    delegations.end_delegation(get_archive(), require_actor(), delegation=delegation, seen=seen_states())
    return "", 204

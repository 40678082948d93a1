"""Commands that talk to a running service about people: persons, roles, log-ins, work units, tokens."""

from __future__ import annotations

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows


@click.group()
def person() -> None:
    """People, for administrators and auditors."""


@person.command("list")
@AS_JSON
def list_people(is_json: bool) -> None:
    """All persons with log-ins and the roles in force."""
    found = list(connect().rows("/api/v1/people", "people"))
    if not is_json:
        for row in found:
            row["logins"] = ", ".join(u["login"] for u in row["users"])
            row["roles"] = ", ".join(a["role"] for a in row["assignments"] if a["ended_at"] is None)
    show_rows(found, ("person", "name", "logins", "roles"), is_json)


@person.command("register")
@click.argument("name")
@click.option("--login", help="A log-in for the person, too.")
@click.option("--password", help="Asked for when a log-in is given.")
@click.option("--mail", help="The log-in's mail address.")
def register_person(name: str, login: str | None, password: str | None, mail: str | None) -> None:
    """Register a person; who logs in for the first time chooses another password."""
    body = {"name": name} if mail is None else {"name": name, "mail": mail}
    if login is not None:
        word = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
        body |= {"login": login, "password": word}
    click.echo(connect().change("/api/v1/people", body)["person"])


@person.command("assign")
@click.argument("person_id", metavar="PERSON")
@click.argument("role")
@click.option("--unit", "work_unit", required=True, help="The work unit's id.")
@click.option("--from", "from_on", required=True, help="First day, YYYY-MM-DD.")
@click.option("--to", "to_on", help="Last day; open without one.")
@click.option("--lead", is_flag=True, help="Answers for the team's steps.")
def assign_role(person_id: str, role: str, work_unit: str, from_on: str, to_on: str | None, lead: bool) -> None:
    """Give a person a role in a work unit from a day on."""
    body = {"role": role, "work_unit": work_unit, "from_on": from_on, "to_on": to_on, "lead": lead}
    click.echo(connect().change(f"/api/v1/people/{person_id}/assignments", body)["assignment"])


@person.command("release")
@click.argument("assignment_id", metavar="ASSIGNMENT")
def end_assignment(assignment_id: str) -> None:
    """End an assignment now."""
    connect().call("DELETE", f"/api/v1/assignments/{assignment_id}")
    click.echo("The assignment has ended.")


@person.command("assignments")
@AS_JSON
def list_assignments(is_json: bool) -> None:
    """Every assignment, ended ones too."""
    found = connect().rows("/api/v1/assignments", "assignments")
    show_rows(found, ("assignment", "person", "role", "work_unit", "from_on", "to_on", "ended_at"), is_json)


@click.group()
def delegation() -> None:
    """Who acts for whom (Pelimpahan, Plh./Plt.)."""


@delegation.command("list")
@click.option("--state", type=click.Choice(["proposed", "confirmed", "declined", "withdrawn"]))
@AS_JSON
def list_delegations(state: str | None, is_json: bool) -> None:
    """The delegations that you may read, newest first."""
    found = connect().rows("/api/v1/delegations", "delegations", state=state)
    columns = ("delegation", "mode", "absent_name", "substitute_name", "role", "from_on", "to_on", "state")
    show_rows(found, columns, is_json)


@delegation.command("show")
@click.argument("delegation_id", metavar="DELEGATION")
@AS_JSON
def show_delegation(delegation_id: str, is_json: bool) -> None:
    """One delegation with its letter, who proposed and who answered."""
    found = connect().call("GET", f"/api/v1/delegations/{delegation_id}")
    columns = ("mode", "absent_name", "substitute_name", "letter", "letter_on", "proposed_by_name", "answered_by_name")
    show_rows([found], (*columns, "state", "is_in_force"), is_json)


@delegation.command("propose")
@click.argument("assignment")
@click.argument("substitute")
@click.option("--mode", type=click.Choice(["plh", "plt"]), required=True)
@click.option("--from", "from_on", required=True, help="First day, YYYY-MM-DD.")
@click.option("--to", "to_on", help="Last day; only a Plt. may be open.")
@click.option("--letter", required=True, help="Number of the surat perintah.")
@click.option("--letter-on", required=True, help="Its date, YYYY-MM-DD.")
@click.option("--sop", "sops", multiple=True, help="Only in the SOP with this key; in all without.")
def propose_delegation(
    assignment: str,
    substitute: str,
    mode: str,
    from_on: str,
    to_on: str | None,
    letter: str,
    letter_on: str,
    sops: tuple[str, ...],
) -> None:
    """Propose that the person SUBSTITUTE acts under somebody's ASSIGNMENT; another person confirms."""
    body = {
        "assignment": assignment,
        "substitute": substitute,
        "mode": mode,
        "from_on": from_on,
        "to_on": to_on,
        "letter": letter,
        "letter_on": letter_on,
        "sops": list(sops),
    }
    click.echo(connect().change("/api/v1/delegations", body)["delegation"])


@delegation.command("confirm")
@click.argument("delegation_id", metavar="DELEGATION")
def confirm_delegation(delegation_id: str) -> None:
    """Confirm a proposal of another person."""
    click.echo(connect().change(f"/api/v1/delegations/{delegation_id}/confirmation", {})["assignment"])


@delegation.command("decline")
@click.argument("delegation_id", metavar="DELEGATION")
def decline_delegation(delegation_id: str) -> None:
    """Decline a proposal of another person."""
    connect().change(f"/api/v1/delegations/{delegation_id}/refusal", {})
    click.echo("The proposal is declined.")


@delegation.command("withdraw")
@click.argument("delegation_id", metavar="DELEGATION")
def withdraw_delegation(delegation_id: str) -> None:
    """Take a proposal of yours back."""
    connect().change(f"/api/v1/delegations/{delegation_id}/withdrawal", {})
    click.echo("The proposal is withdrawn.")


@delegation.command("end")
@click.argument("delegation_id", metavar="DELEGATION")
def end_delegation(delegation_id: str) -> None:
    """End a confirmed delegation now; the steps go back."""
    connect().change(f"/api/v1/delegations/{delegation_id}/ending", {})
    click.echo("The delegation has ended.")


@click.group()
def attestation() -> None:
    """Attestations of an SOP's qualifications and first warning."""


@attestation.command("list")
@AS_JSON
def list_attestations(is_json: bool) -> None:
    """Who has attested what, one line for each assignment and SOP; performers see their own."""
    found = connect().rows("/api/v1/attestations", "attestations")
    rows = [{**row, **sop} for row in found for sop in row["sops"]]
    show_rows(rows, ("assignment", "person_name", "role", "sop", "attested_at"), is_json)


@attestation.command("due")
@AS_JSON
def list_due_attestations(is_json: bool) -> None:
    """What you have still to attest, with its sentences."""
    due = connect().call("GET", "/api/v1/attestations/due")["due"]
    show_rows([{**row, "text": " ".join(row["text"])} for row in due], ("assignment", "role", "sop", "text"), is_json)


@attestation.command("make")
@click.argument("assignment")
@click.argument("sop")
def attest(assignment: str, sop: str) -> None:
    """Attest the newest version of an SOP for one of your assignments."""
    click.echo(connect().change("/api/v1/attestations", {"assignment": assignment, "sop": sop})["event"])


@click.group()
def user() -> None:
    """Log-ins of people."""


@user.command("list")
@AS_JSON
def list_users(is_json: bool) -> None:
    """Every log-in."""
    show_rows(connect().rows("/api/v1/users", "users"), ("user", "login", "person"), is_json)


@user.command("create")
@click.argument("person_id", metavar="PERSON")
@click.argument("login")
@click.option("--mail", help="The log-in's mail address.")
@click.password_option(help="Asked for when left out.")
def create_user(person_id: str, login: str, mail: str | None, password: str) -> None:
    """Give a person another log-in."""
    body = {"person": person_id, "login": login, "password": password, "mail": mail}
    click.echo(connect().change("/api/v1/users", body)["user"])


@user.command("password")
@click.argument("user_id", metavar="USER")
@click.password_option(help="Asked for when left out.")
def set_password(user_id: str, password: str) -> None:
    """Set a log-in's password: one's own, or as an administrator; its sessions end."""
    connect().call("PUT", f"/api/v1/users/{user_id}/password", json={"password": password})
    click.echo("The password is set.")


@user.command("mail")
@click.argument("user_id", metavar="USER")
@click.argument("address", required=False)
def set_mail(user_id: str, address: str | None) -> None:
    """Set where a log-in's mail goes, one's own or as an administrator; without an address it gets none."""
    connect().call("PUT", f"/api/v1/users/{user_id}/mail", json={"mail": address})
    click.echo("The mail address is taken away." if address is None else "The mail address is set.")


@user.command("own-password")
@click.argument("login")
@click.option("--password", prompt="Present password", hide_input=True, help="Asked for when left out.")
@click.option("--code", help="Of the authenticator app, or a recovery code, where one is set.")
@click.option(
    "--new", prompt="New password", hide_input=True, confirmation_prompt=True, help="Asked for when left out."
)
def replace_password(login: str, password: str, code: str | None, new: str) -> None:
    """Choose another password for your own log-in, such as after the first one that you were given."""
    body = {"login": login, "password": password, "new_password": new, "code": code}
    connect(with_token=False).call("PUT", "/api/v1/own-password", json=body)
    click.echo("The password is yours now; make a token with it.")


@user.command("validity")
@click.argument("user_id", metavar="USER")
@click.option("--from", "from_on", help="First day, YYYY-MM-DD; open without one.")
@click.option("--until", "until_on", help="Last day, YYYY-MM-DD; open without one.")
def set_validity(user_id: str, from_on: str | None, until_on: str | None) -> None:
    """Say on which days a log-in may be used, such as an external auditor's; outside them its sessions and tokens end."""
    connect().call("PUT", f"/api/v1/users/{user_id}/validity", json={"from_on": from_on, "until_on": until_on})
    click.echo(f"The log-in may be used from {from_on or 'now'} until {until_on or 'somebody says otherwise'}.")


@user.command("reset-link")
@click.argument("user_id", metavar="USER")
def make_reset_link(user_id: str) -> None:
    """Make a link by which its holder chooses a new password, once, within a day: hand it over yourself."""
    made = connect().call("POST", f"/api/v1/users/{user_id}/reset-links", json={})
    click.echo(f"valid until {made['expires_at']}", err=True)
    click.echo(made["link"])


@user.command("end-sessions")
@click.argument("user_id", metavar="USER")
def end_sessions(user_id: str) -> None:
    """Log a log-in out of every browser: your own, or anybody's as an administrator."""
    ended = connect().call("DELETE", f"/api/v1/users/{user_id}/sessions")["ended"]
    click.echo(f"{ended} session(s) ended.")


@user.command("drop-authenticator")
@click.argument("user_id", metavar="USER")
def remove_totp(user_id: str) -> None:
    """Take the authenticator app of somebody who has lost it away, once you have seen who they are."""
    connect().call("DELETE", f"/api/v1/users/{user_id}/authenticator")
    click.echo("The authenticator app is removed.")


@user.command("link-account")
@click.argument("user_id", metavar="USER")
@click.argument("subject")
def link_account(user_id: str, subject: str) -> None:
    """Link the account with this SUBJECT (`sub`) of the institution's log-in to a log-in here."""
    click.echo(connect().change(f"/api/v1/users/{user_id}/accounts", {"subject": subject})["identity"])


@user.command("unlink-account")
@click.argument("user_id", metavar="USER")
@click.argument("identity")
def unlink_account(user_id: str, identity: str) -> None:
    """Take such a link away; `link-account` printed its name."""
    connect().call("DELETE", f"/api/v1/users/{user_id}/accounts/{identity}")
    click.echo("The link is taken away.")


@user.command("rescue")
@click.argument("login")
def rescue(login: str) -> None:
    """On the server itself: a link to set LOGIN's password, whose authenticator app goes, when no administrator gets in any more."""
    from archive_service import wiring
    from archive_service.cli.options import read_settings
    from archive_service.services import resets

    archive = wiring.build(read_settings())
    try:
        link = resets.rescue(archive, login=login)
    finally:
        archive.db.close()
    click.echo(f"valid until {link.expires_at.isoformat()}", err=True)
    click.echo(f"{archive.settings.public_url or ''}/sandi-baru/{link.secret}")


@click.group()
def session() -> None:
    """Browsers in which you are logged in."""


@session.command("list")
@AS_JSON
def list_sessions(is_json: bool) -> None:
    """Your sessions, the one used last first."""
    found = connect().rows("/api/v1/sessions", "sessions")
    show_rows(found, ("session", "seen_at", "address", "method", "second", "agent"), is_json)


@session.command("end")
@click.argument("session_id", metavar="SESSION")
def end_session(session_id: str) -> None:
    """Log one of your browsers out."""
    connect().call("DELETE", f"/api/v1/sessions/{session_id}")
    click.echo("The session has ended.")


@click.group("work-unit")
def work_unit() -> None:
    """Work units."""


@work_unit.command("list")
@AS_JSON
def list_work_units(is_json: bool) -> None:
    """Every work unit."""
    found = connect().rows("/api/v1/work-units", "work_units")
    show_rows(found, ("work_unit", "code", "name", "parent"), is_json)


@work_unit.command("create")
@click.argument("code")
@click.argument("name")
@click.option("--parent", help="The id of the unit above it.")
def create_work_unit(code: str, name: str, parent: str | None) -> None:
    """Make a work unit."""
    click.echo(connect().change("/api/v1/work-units", {"code": code, "name": name, "parent": parent})["work_unit"])


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("login")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option("--days", type=click.IntRange(1, 366), default=1, show_default=True)
@click.option("--scope", "scopes", multiple=True, help="Narrow what it may do, such as dossier or events.read.")
@click.option("--code", help="Of the authenticator app, or a recovery code, where one is set.")
@click.password_option(confirmation_prompt=False, help="Asked for when left out.")
def create_token(login: str, name: str, days: int, scopes: tuple[str, ...], code: str | None, password: str) -> None:
    """Make a token with log-in and password; its secret is printed this once: export ARCHIVE_TOKEN=$(…)."""
    body = {"login": login, "password": password, "name": name, "days": days, "scopes": list(scopes), "code": code}
    made = connect(with_token=False).call("POST", "/api/v1/tokens", json=body)
    click.echo(f"valid until {made['expires_at']}", err=True)
    click.echo(made["token"])


@token.command("list")
@AS_JSON
def list_tokens(is_json: bool) -> None:
    """Your tokens, without their secrets."""
    found = connect().rows("/api/v1/tokens", "tokens")
    show_rows(found, ("id", "name", "prefix", "expires_at", "revoked_at"), is_json)


@token.command("revoke")
@click.argument("token_id", metavar="TOKEN")
def revoke_token(token_id: str) -> None:
    """End a token."""
    connect().call("DELETE", f"/api/v1/tokens/{token_id}")
    click.echo("The token is worth nothing any more.")


@token.command("whose")
def show_me() -> None:
    """Who ARCHIVE_TOKEN belongs to, and the roles in force."""
    me = connect().call("GET", "/api/v1/me")
    click.echo(f"person {me['person']}")
    show_rows(me["roles"], ("role", "work_unit", "lead"), False)

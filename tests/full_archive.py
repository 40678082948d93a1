"""An archive with something in every evidenced column: what damages are tried on."""

from __future__ import annotations

import sqlite3
import time

import pyotp

from archive_service.db.models import Base
from archive_service.runner import Runner
from archive_service.services import (
    attestations,
    compliance,
    delegations,
    dossiers,
    findings,
    indicator_reading,
    indicators,
    logins,
    obligations,
    oidc,
    papers,
    passkeys,
    resets,
    samples,
    second_factor,
    sessions,
    users,
)
from archive_service.services.work import load_dossier
from tests.authenticator import SoftAuthenticator
from tests.office import PASSWORD, Office, register_passkey

EVIDENCED = [
    (table, column.name)
    for table in sorted(Base.metadata.tables)
    for column in Base.metadata.tables[table].columns
    if column.info["declared"] == "evidenced"
]


def play_everything(office: Office) -> None:
    """Fill every evidenced table of a new office."""
    owe(office)
    token = users.create_token(office.archive, office.actor("maya"), name="a", days=90)
    users.revoke_token(office.archive, office.actor("maya"), token=token.id)
    cookie = logins.log_in(office.archive, login="maya", password=PASSWORD).cookie or ""
    sessions.end_session(office.archive, cookie=cookie)
    limit(office)
    recommend(office, office.play("5"))
    office.play("10")
    office.turn()
    office.at("2026-03-31T10:12")
    office.seal(office.play("10"))
    settle(office)
    dossier = office.play()
    office.turn()
    office.answer(dossier, "hendra", "time_norm_passed", office.explain(dossier, "sari", "time_norm_passed"))
    office.register("calendars/id-government.toml", version=2, title="Kalender yang dikoreksi")
    compliance.judge_again(office.archive, office.actor("nuraini"), dossier=dossier, reason="SKB dikoreksi")
    settle(office)
    with office.archive.db.read() as session:
        document = load_dossier(office.archive, session, dossier).versions[0].document
    papers.record_paper(
        office.archive, office.actor("maya"), dossier=dossier, document=document, exists=True, room="A", box="7"
    )
    represent(office)
    look_through(office)
    settle(office)


def limit(office: Office) -> None:
    """A log-in for some days, with a second factor, a verified address, and an account elsewhere that was unlinked again."""
    admin, wahyu = office.actor("admin"), office.actor("wahyu")
    users.set_validity(office.archive, admin, user=wahyu.user, from_on="2026-01-01", until_on="2026-12-31")
    totp = pyotp.TOTP(second_factor.begin_totp(office.archive, wahyu, password=PASSWORD).secret)
    second_factor.confirm_totp(office.archive, wahyu, code=totp.at(office.archive.timer()))
    office.archive.settings.oidc_issuer = "https://sso.example"
    oidc.unlink_account(
        office.archive, admin, identity=oidc.link_account(office.archive, admin, user=wahyu.user, subject="orang-1")
    )
    link = resets.make_reset_link(office.archive, admin, user=wahyu.user)
    resets.use_reset_link(office.archive, secret=link.secret, password=PASSWORD)


def look_through(office: Office) -> None:
    """A sample, and what an auditor said of one of its dossiers."""
    wahyu = office.actor("wahyu")
    sample = samples.draw_sample(office.archive, wahyu, wanted=samples.PopulationFilter(), size=2, seed="dadu-4")
    drawn = samples.read_sample(office.archive, wahyu, sample=sample)["items"][1]["dossier"]
    samples.judge_item(office.archive, wahyu, sample=sample, dossier=drawn, result="fine", note="Lengkap.")


def owe(office: Office) -> None:
    """A quarter that nobody started, its explanation, and a finding with its action."""
    checker, wahyu, ratna = (office.actor(login) for login in ("nuraini", "wahyu", "ratna"))
    obligations.set_obligations(
        office.archive, checker, sop="sop-spmi-601", year=2025, quarter=4, due_on="2026-03-12", letter="ST-1"
    )
    office.at("2026-03-13T07:45")
    obligations.sweep_obligations(office.archive)
    (missed,) = obligations.list_unit_deviations(office.archive, checker, work_unit=office.unit)
    place = {"work_unit": office.unit, "deviation": missed["deviation"]}
    obligations.explain_unit_deviation(office.archive, ratna, **place, explanation="Audit BPK.")
    made = findings.propose_finding(
        office.archive, checker, work_unit=office.unit, deviations=[missed["deviation"]], text="Tidak dilaksanakan."
    )
    findings.classify_finding(
        office.archive,
        wahyu,
        finding=made,
        classification="kts_minor",
        problem="a",
        location="b",
        evidence="c",
        reference="d",
    )
    findings.state_cause(office.archive, wahyu, finding=made, cause="Lupa.")
    findings.set_action(
        office.archive, wahyu, finding=made, action="Kalender.", pic=office.persons["bima"], due_on="2026-06-30"
    )


def represent(office: Office) -> None:
    """An attestation, and a substitute who decides with a password that an administrator set."""
    dossier = office.play("7", with_return=False)
    bima, hendra, agus = (office.actor(login) for login in ("bima", "hendra", "agus"))
    attestations.attest(office.archive, bima, assignment=bima.assignments[0].id, sop="sop-spmi-601")
    delegation = delegations.propose_delegation(
        office.archive,
        hendra,
        substitute=agus.person,
        assignment=hendra.assignments[0].id,
        mode="plh",
        from_on="2026-03-27",
        to_on="2026-04-03",
        letter="ST-12/PL/2026",
        letter_on="2026-03-26",
        sops=["sop-spmi-601"],
    )
    delegations.confirm_delegation(office.archive, agus, delegation=delegation)
    users.set_password(office.archive, office.actor("admin"), user=agus.user, password=PASSWORD)
    key = SoftAuthenticator()
    register_passkey(office, "agus", key)
    office.sign(dossier, "agus", "8", key)
    revoked = register_passkey(office, "bima", SoftAuthenticator(seed=2))
    passkeys.revoke_passkey(office.archive, office.actor("bima"), passkey=revoked, password=PASSWORD)


def recommend(office: Office, dossier: str) -> None:
    """An indicator with a result, and a dossier of the next quarter that begins with its recommendation."""
    sari, bima, maya = (office.actor(login) for login in ("sari", "bima", "maya"))
    listed = [indicators.ListedIndicator("IKU-1", "Lulusan bekerja", "80", "%", "78", "sari")]
    indicators.set_indicators(office.archive, sari, dossier=dossier, indicators=listed)
    results = [indicators.IndicatorResult("IKU-1", "79", "Magang."), indicators.IndicatorResult(None, "79")]
    indicators.record_results(office.archive, bima, dossier=dossier, step="6", results=results)
    letter = dossiers.RequestLetter("1", "S", "2", "2026-03-12", "2026-03-13T09:00:00+07:00")
    following = dossiers.open_dossier(
        office.archive,
        maya,
        sop="sop-spmi-601",
        work_unit=office.unit,
        year=2026,
        quarter=2,
        title="Triwulan II",
        letter=letter,
    )
    found, _ = indicator_reading.read_recommendations(office.archive, maya, dossier=following)
    answer = {"recommendation": found[0]["recommendation"], "state": "ongoing", "note": "Disusun."}
    indicators.answer_recommendation(office.archive, bima, dossier=following, **answer)


def settle(office: Office) -> None:
    """Let the runner do all that is due, and what that makes due."""
    runner = Runner(office.archive)
    for _ in range(100):
        did = runner.turn()
        if not did:
            time.sleep(0.3)
            if not runner.turn():
                return


def drop_guards(connection: sqlite3.Connection) -> None:
    """Take the triggers away that keep evidence from being changed, as the database's owner could."""
    for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f"drop trigger {name}")

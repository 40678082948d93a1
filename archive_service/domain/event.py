"""One audit record: its bytes, its closed schemas, its place in a chain.

The bytes are written once and hashed as they are; nothing here re-serialises an event in order to verify it. Source: the
project's evidence format, docs/architecture.md ("Evidence"); canonical JSON is RFC 8785 as restricted in canonical.py; the
leaf hash is RFC 6962 section 2.1.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from archive_service.domain import canonical, merkle

EVENT_LIMIT_BYTES = 65_535
PAYLOAD_LIMIT_BYTES = 8_192
FIRST_PREV = "0" * 64
SALT_BYTES = 32

_ID = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_HEX8 = re.compile(r"[0-9a-f]{8}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_SEED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PERIOD = re.compile(r"[2-9][0-9]{3}-[1-4]")
_INDICATOR = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")
_MEDIA = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,127}")
_ORIGIN = re.compile(r"[a-z0-9][a-z0-9./:_-]{0,199}")


class EventError(ValueError):
    """The bytes are no event of this format: ``code`` is stable, the text says where."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


Rule = Callable[[Any, str], Optional[str]]
"""A schema rule: value and place in, a sentence about what is wrong or None out."""


def _matches(pattern: "re.Pattern[str]", what: str) -> Rule:
    matches = pattern.fullmatch

    def rule(value: Any, place: str) -> Optional[str]:
        if isinstance(value, str) and matches(value):
            return None
        return f"{place} is not {what}"

    return rule


def _date(value: Any, place: str) -> Optional[str]:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            date.fromisoformat(value)
            return None
        except ValueError:
            pass
    return f"{place} is not a date YYYY-MM-DD"


@lru_cache(maxsize=1024)
def _is_date(value: str) -> bool:
    return _date(value, "") is None


def _time(value: Any, place: str) -> Optional[str]:
    if isinstance(value, str) and _TIME.fullmatch(value) and _is_date(value[:10]):
        return None
    return f"{place} is not a UTC time YYYY-MM-DDTHH:MM:SS.ffffffZ"


def _text(limit: int) -> Rule:
    def rule(value: Any, place: str) -> Optional[str]:
        if isinstance(value, str) and 1 <= len(value) <= limit:
            return None
        return f"{place} is not a text of 1 to {limit} characters"

    return rule


def _hex(least: int, most: int) -> Rule:
    """Between so many and so many bytes, in lower-case hex digits."""
    return _matches(
        re.compile(f"(?:[0-9a-f]{{2}}){{{least},{most}}}"), f"{least} to {most} bytes in lower-case hex digits"
    )


def _domain(value: Any, place: str) -> Optional[str]:
    if isinstance(value, str) and len(value) <= 253 and _DOMAIN.fullmatch(value):
        return None
    return f"{place} is not the name of a host"


def _integer(low: int, high: int) -> Rule:
    def rule(value: Any, place: str) -> Optional[str]:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return None
        return f"{place} is not an integer from {low} to {high}"

    return rule


def _boolean(value: Any, place: str) -> Optional[str]:
    return None if isinstance(value, bool) else f"{place} is neither true nor false"


def _one_of(*words: str) -> Rule:
    def rule(value: Any, place: str) -> Optional[str]:
        return None if value in words and isinstance(value, str) else f"{place} is none of {', '.join(words)}"

    return rule


def _or_null(inner: Rule) -> Rule:
    def rule(value: Any, place: str) -> Optional[str]:
        return None if value is None else inner(value, place)

    return rule


def _list_of(inner: Rule, limit: int) -> Rule:
    def rule(value: Any, place: str) -> Optional[str]:
        if not isinstance(value, list) or len(value) > limit:
            return f"{place} is not a list of at most {limit}"
        for index, item in enumerate(value):
            wrong = inner(item, "")
            if wrong:
                return f"{place}[{index}]{wrong}"
        return None

    return rule


def _object(fields: Mapping[str, Rule]) -> Rule:
    names = frozenset(fields)
    rules = tuple(fields.items())

    def rule(value: Any, place: str) -> Optional[str]:
        if not isinstance(value, dict):
            return f"{place} is not an object"
        if value.keys() != names:
            odd = sorted(names.symmetric_difference(value))
            return f"{place} has other members than its schema: {', '.join(odd)}"
        for name, inner in rules:
            wrong = inner(value[name], name)
            if wrong:
                # every sentence begins with its place, which is put together when one is said
                return f"{place}.{wrong}"
        return None

    return rule


ID = _matches(_ID, "a UUIDv7 in 32 lower-case hex digits")
HASH = _matches(_HEX64, "64 lower-case hex digits")
TIME = _time
DATE = _date
KEY = _matches(_KEY, "a key")
INDICATOR = _matches(_INDICATOR, "the code of an indicator, such as IKU-1.2")
MEDIA = _matches(_MEDIA, "a media type")
COUNT = _integer(0, 2**53 - 1)
ITERATION = _integer(1, 1_000_000)

_LETTER = _object(
    {
        "number_commitment": HASH,
        "sender_commitment": HASH,
        "agenda_number_commitment": HASH,
        "dated_on": DATE,
        "received_at": TIME,
        "reply_due_on": _or_null(DATE),
    }
)
_RECEIPT = _object({"application_commitment": HASH, "address_commitment": HASH, "number_commitment": HASH})
_TIME_VERDICT = _object(
    {
        "started_at": TIME,
        "finished_at": TIME,
        "due_at": TIME,
        "limit_seconds": COUNT,
        "used_seconds": COUNT,
        "policy": KEY,
        "day_minutes": COUNT,
        "excluded_seconds": COUNT,
        "late_by_seconds": COUNT,
        "calendar": HASH,
        "result": _one_of("on_time", "late"),
    }
)
_COMPLETENESS = _object(
    {
        "result": _one_of("complete", "gaps", "nothing_required"),
        "required": COUNT,
        "present": COUNT,
        "missing": COUNT,
        "damaged": _list_of(HASH, 64),
        "requirements_digest": HASH,
    }
)


_ANSWERS = _list_of(_object({"question": KEY, "answer": _text(500)}), 32)


ASSERTION = _object(
    {
        "passkey": HASH,
        "authenticator_data": _hex(37, 1024),
        "client_data": _text(2000),
        "signature": _hex(8, 72),
    }
)
"""A person's signature over a decision: domain/passkey.py says what it covers."""
RP_ID = _domain
"""The name of a host that passkeys are bound to: no IP address."""
_PUBLIC_KEY = _matches(
    re.compile(r"04[0-9a-f]{128}|[0-9a-f]{64}"), "a public key in hex: 04, x and y of P-256, or 32 bytes of Ed25519"
)


_ACTING = _object({"mode": _one_of("plh", "plt"), "absent": ID, "delegation": HASH, "sops": _list_of(KEY, 32)})


@dataclass(frozen=True)
class EventType:
    """What an event type allows: the streams that take it and the closed schema of its payload."""

    streams: FrozenSet[str]
    payload: Rule


def _type(streams: Iterable[str], **fields: Rule) -> EventType:
    return EventType(frozenset(streams), _object(fields))


EVENT_TYPES: Dict[Tuple[str, int], EventType] = {
    # service: what everything else rests on
    ("key.registered", 1): _type(["service"], purpose=_one_of("log", "receipt"), vkey=_text(300)),
    ("key.retired", 1): _type(
        ["service"], purpose=_one_of("log", "receipt"), vkey=_text(300), successor=_text(300), overlap_until=TIME
    ),
    ("definition.registered", 1): _type(
        ["service"],
        definition_kind=_one_of("sop", "calendar", "retention_schedule"),
        key=KEY,
        version=_integer(1, 10**6),
        digest=HASH,
        size=COUNT,
        # the version that it was made from, and why: null for what is registered as a whole
        previous=_or_null(HASH),
        reason_commitment=_or_null(HASH),
    ),
    # the first leaf of a log that continues another one, whose last good checkpoint it carries whole
    ("log.continued", 1): _type(
        ["service"],
        origin=_matches(_ORIGIN, "the name of a log"),
        size=COUNT,
        root=HASH,
        vkey=_text(300),
        checkpoint=_text(6_000),
        reason=_one_of("fork", "loss", "key", "other"),
    ),
    # what an audit of the whole archive found: the first discrepancies by code and place
    ("log.audited", 1): _type(
        ["service"],
        requested_by=_or_null(ID),
        events=COUNT,
        rows=COUNT,
        objects=_or_null(COUNT),
        discrepancies=COUNT,
        listed=_list_of(_object({"code": KEY, "place": _text(120)}), 24),
    ),
    ("webhook.added", 1): _type(["service"], webhook=ID, host=_text(253), url_commitment=HASH, kinds=_list_of(KEY, 15)),
    ("webhook.removed", 1): _type(["service"], webhook=ID, reason=_one_of("asked", "gone")),
    ("login.unknown_counted", 1): _type(["service"], minute=TIME, count=COUNT),
    # unit
    ("work_unit.created", 1): _type(["unit"], work_unit=ID, code=KEY, name=_text(200), parent=_or_null(ID)),
    ("obligation.set", 1): _type(
        ["unit"],
        obligation=ID,
        sop=KEY,
        year=_integer(2000, 9999),
        quarter=_integer(1, 4),
        due_at=TIME,
        basis=_one_of("letter", "calendar"),
        letter_commitment=_or_null(HASH),
    ),
    ("obligation.withdrawn", 1): _type(["unit"], obligation=ID, reason_commitment=HASH),
    ("finding.proposed", 1): _type(
        ["unit"],
        finding=ID,
        deviations=_list_of(_object({"dossier": _or_null(ID), "deviation": ID, "responsible": _or_null(ID)}), 32),
        # what else it rests on: a dossier, a step of it, a document's digest or an event's leaf hash
        evidence=_list_of(
            _object({"dossier": ID, "step": _or_null(KEY), "document": _or_null(HASH), "event": _or_null(HASH)}), 16
        ),
        text_commitment=HASH,
    ),
    ("finding.classified", 1): _type(
        ["unit"],
        finding=ID,
        classification=_one_of("kts_major", "kts_minor", "observation", "positive", "rejected"),
        problem_commitment=HASH,
        location_commitment=_or_null(HASH),
        evidence_commitment=_or_null(HASH),
        reference_commitment=_or_null(HASH),
    ),
    ("finding.cause_stated", 1): _type(["unit"], finding=ID, cause_commitment=HASH),
    ("finding.action_set", 1): _type(["unit"], finding=ID, action_commitment=HASH, pic=ID, due_on=DATE),
    ("finding.action_done", 1): _type(["unit"], finding=ID, note_commitment=HASH),
    ("finding.effect_checked", 1): _type(["unit"], finding=ID, is_effective=_boolean, note_commitment=HASH),
    # person: authority
    ("person.registered", 1): _type(["person"], person=ID, name_commitment=HASH),
    ("assignment.made", 1): _type(
        ["person"],
        assignment=ID,
        role=KEY,
        work_unit=ID,
        from_on=DATE,
        to_on=_or_null(DATE),
        lead=_boolean,
        acting=_or_null(_ACTING),
    ),
    ("assignment.ended", 1): _type(["person"], assignment=ID),
    ("assignment.attested", 1): _type(["person"], assignment=ID, sop=HASH, text_digest=HASH),
    # a substitute's stream: who shall act for whom, by which letter
    ("delegation.proposed", 1): _type(
        ["person"],
        delegation=ID,
        mode=_one_of("plh", "plt"),
        absent=ID,
        assignment=HASH,
        role=KEY,
        work_unit=ID,
        from_on=DATE,
        to_on=_or_null(DATE),
        sops=_list_of(KEY, 32),
        letter_commitment=HASH,
        letter_on=DATE,
    ),
    ("delegation.confirmed", 1): _type(["person"], delegation=ID, proposal=HASH),
    ("delegation.declined", 1): _type(["person"], delegation=ID, proposal=HASH),
    ("delegation.withdrawn", 1): _type(["person"], delegation=ID, proposal=HASH),
    ("passkey.registered", 1): _type(
        ["person"],
        credential=HASH,
        algorithm=_one_of("ES256", "EdDSA"),
        public_key=_PUBLIC_KEY,
        aaguid=_or_null(_hex(16, 16)),
        rp_id=RP_ID,
    ),
    ("passkey.revoked", 1): _type(["person"], passkey=HASH),
    # user: log-ins, tokens, reads; never bundled
    ("user.created", 1): _type(["user"], user=ID, person=ID, login_commitment=HASH),
    ("user.mail_set", 1): _type(
        ["user"], user=ID, mail_commitment=_or_null(HASH), by=_one_of("self", "administrator", "setup")
    ),
    # that the owner of the address followed a link mailed to it; the event that set the address
    ("user.mail_verified", 1): _type(["user"], user=ID, mail=HASH),
    ("user.password_set", 1): _type(["user"], user=ID, by=_one_of("self", "administrator", "setup", "link")),
    ("user.validity_set", 1): _type(["user"], user=ID, from_on=_or_null(DATE), until_on=_or_null(DATE)),
    ("reset.made", 1): _type(["user"], user=ID, link=ID, by=_one_of("administrator", "mail", "setup"), expires_at=TIME),
    ("reset.used", 1): _type(["user"], user=ID, link=ID),
    ("second_factor.set", 1): _type(["user"], user=ID, means=_one_of("totp")),
    ("second_factor.removed", 1): _type(
        ["user"], user=ID, means=_one_of("totp"), by=_one_of("self", "administrator", "setup")
    ),
    ("recovery_codes.made", 1): _type(["user"], user=ID, count=COUNT),
    ("identity.linked", 1): _type(
        ["user"], user=ID, issuer=_text(300), subject_commitment=HASH, by=_one_of("self", "administrator")
    ),
    ("identity.unlinked", 1): _type(["user"], user=ID, identity=HASH, by=_one_of("self", "administrator")),
    ("session.started", 1): _type(
        ["user"],
        session=ID,
        # by which means: the first one, and what was shown besides it; a passkey alone is both
        method=_one_of("password", "passkey", "oidc"),
        second=_or_null(_one_of("totp", "recovery_code", "passkey")),
    ),
    ("session.ended", 1): _type(["user"], session=ID, reason=_one_of("logout", "revoked", "expired")),
    ("login.refused", 1): _type(["user"], reason=_one_of("wrong_password", "wrong_code", "locked")),
    ("token.created", 1): _type(["user"], token=ID, name_commitment=HASH, scopes=_list_of(KEY, 16), expires_at=TIME),
    ("token.revoked", 1): _type(["user"], token=ID),
    ("record.read", 1): _type(
        ["user"],
        dossier=_or_null(ID),
        what=_one_of(
            "dossiers",
            "dossier",
            "document",
            "events",
            "bundle",
            "people",
            "quality",
            "quality_export",
            "findings",
            "finding",
            "log",
            "search",
            "sample",
            "sample_export",
        ),
        digest=_or_null(HASH),
        # what was searched for
        query_commitment=_or_null(HASH),
    ),
    # a random sample: the seed before anybody sees a result, and the digest of the frozen list that it was drawn from
    ("sample.drawn", 1): _type(
        ["user"],
        sample=ID,
        seed=_matches(_SEED, "1 to 64 of A-Z a-z 0-9 . _ -"),
        size=_integer(1, 150),
        of=_integer(1, 10**7),
        population_digest=HASH,
        filter=_object(
            {
                "sop": _or_null(KEY),
                "status": _or_null(_one_of("open", "sealed", "cancelled")),
                "step": _or_null(KEY),
                "work_units": _list_of(ID, 40),
                "periods": _list_of(_matches(_PERIOD, "a period such as 2026-1"), 16),
            }
        ),
        dossiers=_list_of(ID, 150),
    ),
    ("sample.item_judged", 1): _type(
        ["user"],
        sample=ID,
        dossier=ID,
        result=_one_of("looked", "fine", "finding"),
        finding=_or_null(ID),
        note_commitment=_or_null(HASH),
    ),
    # dossier
    ("dossier.opened", 1): _type(
        ["dossier"],
        dossier=ID,
        sop=HASH,
        calendar=HASH,
        work_unit=ID,
        year=_integer(2000, 9999),
        quarter=_integer(1, 4),
        title_commitment=HASH,
        letter=_LETTER,
        answers=_ANSWERS,
    ),
    ("step.started", 1): _type(
        ["dossier"], step=KEY, iteration=ITERATION, started_at=TIME, role=KEY, responsible=_or_null(ID)
    ),
    ("step.skipped", 1): _type(["dossier"], step=KEY, question=KEY, answer=_text(500)),
    ("step.moved", 1): _type(
        ["dossier"], step=KEY, iteration=ITERATION, responsible=ID, because=HASH, is_back=_boolean
    ),
    ("step.reassigned", 1): _type(["dossier"], step=KEY, iteration=ITERATION, responsible=ID, reason_commitment=HASH),
    ("document.received", 1): _type(
        ["dossier"],
        document=ID,
        version=ID,
        number=ITERATION,
        step=KEY,
        iteration=ITERATION,
        kind=KEY,
        digest=HASH,
        crc32=_matches(_HEX8, "8 lower-case hex digits"),
        size=_integer(1, 2**53 - 1),
        media_type=MEDIA,
        puid=_text(32),
        begun_at=TIME,
        file_name_commitment=HASH,
        receipt=_or_null(_RECEIPT),
        deviation=_or_null(ID),
        indicator=_or_null(INDICATOR),
    ),
    ("document.withdrawn", 1): _type(["dossier"], step=KEY, document=ID, version=ID, reason_commitment=HASH),
    ("document.paper_recorded", 1): _type(
        ["dossier", "after"],
        document=ID,
        exists=_boolean,
        room=_or_null(_text(100)),
        shelf=_or_null(_text(100)),
        box=_or_null(_text(100)),
        folder=_or_null(_text(100)),
    ),
    ("document.refused", 1): _type(
        ["dossier"],
        step=_or_null(KEY),
        kind=_or_null(KEY),
        code=KEY,
        size=_or_null(COUNT),
        digest=_or_null(HASH),
        file_name_commitment=_or_null(HASH),
    ),
    ("step.submitted", 1): _type(
        ["dossier"], step=KEY, iteration=ITERATION, documents=COUNT, documents_digest=HASH, gaps=COUNT, answers=_ANSWERS
    ),
    ("decision.made", 1): _type(
        ["dossier"],
        step=KEY,
        iteration=ITERATION,
        decision=_one_of("approve", "return"),
        documents=COUNT,
        documents_digest=HASH,
        gaps=COUNT,
        reason_commitment=_or_null(HASH),
        returns_to=_or_null(KEY),
        answers=_ANSWERS,
        assertion=_or_null(ASSERTION),
    ),
    ("duty.excepted", 1): _type(
        ["dossier"], step=KEY, iteration=ITERATION, person=ID, conflict=KEY, reason_commitment=HASH
    ),
    ("pause.granted", 1): _type(
        ["dossier"],
        pause=ID,
        step=KEY,
        iteration=ITERATION,
        cause=_one_of("outside_party", "force_majeure", "system_outage", "official_duty", "other"),
        from_at=TIME,
        to_at=_or_null(TIME),
        reason_commitment=HASH,
    ),
    ("pause.ended", 1): _type(["dossier"], pause=ID, step=KEY, to_at=TIME),
    ("calendar.adopted", 1): _type(["dossier"], calendar=HASH, reason_commitment=HASH),
    ("decision.flagged", 1): _type(
        ["dossier"],
        step=KEY,
        iteration=ITERATION,
        person=ID,
        decision=_or_null(HASH),
        reasons=_list_of(_one_of("assignment_changed", "password_reset"), 2),
    ),
    ("step.judged", 1): _type(
        ["dossier"], step=KEY, iteration=ITERATION, number=ITERATION, time=_TIME_VERDICT, completeness=_COMPLETENESS
    ),
    ("deviation.recorded", 1): _type(
        ["dossier", "unit"],
        deviation=ID,
        code=KEY,
        step=_or_null(KEY),
        iteration=_or_null(ITERATION),
        subject=_or_null(_text(100)),
        role=_or_null(KEY),
        responsible=_or_null(ID),
        evidence=_list_of(HASH, 32),
        explain_by=_or_null(TIME),
    ),
    ("deviation.explained", 1): _type(
        ["dossier", "after", "unit"],
        deviation=ID,
        number=ITERATION,
        explanation_commitment=HASH,
        attachments=_list_of(HASH, 32),
    ),
    ("explanation.accepted", 1): _type(["dossier", "after", "unit"], deviation=ID, number=ITERATION),
    ("explanation.returned", 1): _type(
        ["dossier", "after", "unit"], deviation=ID, number=ITERATION, reason_commitment=HASH
    ),
    ("deviation.escalated", 1): _type(["dossier", "after", "unit"], deviation=ID, role=KEY),
    ("dossier.cancellation_requested", 1): _type(["dossier"], reason_commitment=HASH),
    ("dossier.cancelled", 1): _type(["dossier"], request=HASH),
    ("dossier.sealed", 1): _type(
        ["dossier"],
        step=KEY,
        iteration=ITERATION,
        count=COUNT,
        head=HASH,
        statement_digest=HASH,
        statement_size=COUNT,
        # the retention schedule that covers the SOP; null where none did
        retention=_or_null(HASH),
    ),
    ("indicator.set", 1): _type(
        ["dossier"],
        code=INDICATOR,
        title=_text(300),
        unit=_or_null(_text(50)),
        target=_text(100),
        achievement=_or_null(_text(100)),
        person=_or_null(ID),
    ),
    ("indicator.removed", 1): _type(["dossier"], code=INDICATOR, reason_commitment=HASH),
    ("indicator.result_recorded", 1): _type(
        ["dossier"],
        step=KEY,
        iteration=ITERATION,
        code=_or_null(INDICATOR),
        achievement=_or_null(_text(100)),
        recommendation_commitment=_or_null(HASH),
        obstacle_commitment=_or_null(HASH),
        follow_up_commitment=_or_null(HASH),
    ),
    ("recommendation.carried", 1): _type(
        ["dossier"],
        from_dossier=ID,
        from_event=HASH,
        code=_or_null(INDICATOR),
        recommendation_commitment=HASH,
    ),
    ("recommendation.answered", 1): _type(
        ["dossier"], carried=HASH, state=_one_of("done", "ongoing", "dropped"), note_commitment=HASH
    ),
    # after
    ("bundle.stored", 1): _type(["after"], dossier=ID, digest=HASH, size=COUNT, plan_digest=HASH),
    ("dossier.judged_again", 1): _type(
        ["after"],
        dossier=ID,
        calendar=HASH,
        statement_digest=HASH,
        statement_size=COUNT,
        late=COUNT,
        reason_commitment=HASH,
    ),
    ("bundle.failed", 1): _type(["after"], dossier=ID, code=KEY, subject=_or_null(HASH)),
    ("fixity.checked", 1): _type(
        ["dossier", "after"],
        dossier=ID,
        result=_one_of("intact", "damaged", "unreadable"),
        documents=COUNT,
        failed=_list_of(HASH, 64),
    ),
}
"""Every (type, v) that exists. An event of any other type is invalid."""

_PERSON_ACTOR = _object(
    {
        "kind": _one_of("person"),
        "person": ID,
        "user": ID,
        "role": _or_null(KEY),
        "work_unit": _or_null(ID),
        "assignment": _or_null(HASH),
        "head": HASH,
    }
)
_SERVICE_ACTOR = _object({"kind": _one_of("service"), "name": KEY})
_FIELDS = frozenset(
    ["v", "origin", "id", "stream", "seq", "prev", "type", "actor", "on_behalf_of", "at", "claimed_at", "payload"]
)
_STREAM_KINDS = frozenset(["dossier", "after", "person", "user", "unit"])


@dataclass(frozen=True)
class Event:
    """A parsed event with the exact bytes that it was read from and their RFC 6962 leaf hash (hex)."""

    origin: str
    id: str
    stream: str
    seq: int
    prev: str
    type: str
    actor: Mapping[str, Any]
    on_behalf_of: Optional[str]
    at: str
    claimed_at: Optional[str]
    payload: Mapping[str, Any]
    data: bytes
    leaf_hash: str

    @property
    def person(self) -> Optional[str]:
        """The id of the acting person; None when the service itself acted."""
        value = self.actor.get("person")
        return value if isinstance(value, str) else None


def stream_kind(stream: str) -> Optional[str]:
    """The kind of a stream name (``dossier`` of ``dossier:<id>``), or None when it is no stream name."""
    if stream == "service":
        return "service"
    kind, colon, key = stream.partition(":")
    if colon and kind in _STREAM_KINDS and _ID.fullmatch(key):
        return kind
    return None


_PLAIN_RULES: Tuple[Tuple[str, Rule], ...] = (
    ("id", ID),
    ("seq", COUNT),
    ("prev", HASH),
    ("at", TIME),
    ("claimed_at", _or_null(TIME)),
    ("on_behalf_of", _or_null(ID)),
)


def _problem_of(value: Any, size: int) -> Optional[Tuple[str, str]]:
    if not isinstance(value, dict) or value.keys() != _FIELDS:
        return "fields", "an event has exactly the members " + ", ".join(sorted(_FIELDS))
    if value["v"] != 1 or isinstance(value["v"], bool):
        return "version", "this format knows v = 1 alone"
    if not isinstance(value["origin"], str) or not _ORIGIN.fullmatch(value["origin"]):
        return "origin", "origin is not the name of a log"
    kind = stream_kind(value["stream"]) if isinstance(value["stream"], str) else None
    if kind is None:
        return "stream", "stream is not the name of a stream"
    event_type = EVENT_TYPES.get((value["type"], 1)) if isinstance(value["type"], str) else None
    if event_type is None:
        return "type", "type is unknown"
    if kind not in event_type.streams:
        return "stream", f"a {value['type']} event does not belong into a {kind} stream"
    actor = value["actor"]
    is_service = isinstance(actor, dict) and actor.get("kind") == "service"
    for name, rule in _PLAIN_RULES:
        wrong = rule(value[name], name)
        if wrong:
            return "schema", wrong
    actor_rule = _SERVICE_ACTOR if is_service else _PERSON_ACTOR
    wrong = actor_rule(actor, "actor") or event_type.payload(value["payload"], "payload")
    if wrong:
        return "schema", wrong
    if (value["seq"] == 0) != (value["prev"] == FIRST_PREV):
        return "chain", "prev is 64 zeros at seq 0 and nowhere else"
    # what is part of so few bytes is no larger
    if size > PAYLOAD_LIMIT_BYTES and len(canonical.encode(value["payload"])) > PAYLOAD_LIMIT_BYTES:
        return (
            "payload_size",
            f"the payload is over {PAYLOAD_LIMIT_BYTES} bytes: keep it as an object and name its digest",
        )
    return None


def _event_of(value: Dict[str, Any], data: bytes) -> Event:
    event = object.__new__(Event)
    # what the generated __init__ of a frozen class does field by field, at a quarter of the cost: a log has millions
    event.__dict__.update(value, data=data, leaf_hash=merkle.leaf_hash(data).hex())
    del event.__dict__["v"]
    return event


def parse_event(data: bytes) -> Event:
    """The event that ``data`` holds; EventError unless the bytes are canonical and fit the type's closed schema."""
    if len(data) > EVENT_LIMIT_BYTES:
        raise EventError("event_size", f"an event has at most {EVENT_LIMIT_BYTES} bytes")
    try:
        value = canonical.decode(data)
    except canonical.CanonicalError as exc:
        raise EventError("not_canonical", str(exc)) from exc
    problem = _problem_of(value, len(data))
    if problem:
        raise EventError(*problem)
    return _event_of(value, data)


def build_event(
    *,
    origin: str,
    id: str,
    stream: str,
    seq: int,
    prev: str,
    type: str,
    actor: Mapping[str, Any],
    at: str,
    payload: Mapping[str, Any],
    on_behalf_of: Optional[str] = None,
    claimed_at: Optional[str] = None,
) -> Event:
    """A new event with its bytes; EventError when a part does not fit the schema or is not NFC."""
    value: Dict[str, Any] = {
        "v": 1,
        "origin": origin,
        "id": id,
        "stream": stream,
        "seq": seq,
        "prev": prev,
        "type": type,
        "actor": dict(actor),
        "on_behalf_of": on_behalf_of,
        "at": at,
        "claimed_at": claimed_at,
        "payload": dict(payload),
    }
    try:
        canonical.require_nfc(value)
        data = canonical.encode(value)
    except canonical.CanonicalError as exc:
        raise EventError("not_canonical", str(exc)) from exc
    if len(data) > EVENT_LIMIT_BYTES:
        raise EventError("event_size", f"an event has at most {EVENT_LIMIT_BYTES} bytes")
    problem = _problem_of(value, len(data))
    if problem:
        raise EventError(*problem)
    return _event_of(value, data)


def person_actor(
    *, person: str, user: str, role: Optional[str], work_unit: Optional[str], assignment: Optional[str], head: str
) -> Dict[str, Any]:
    """The ``actor`` member for a person: ``assignment`` and ``head`` are leaf hashes in the person's own stream."""
    return {
        "kind": "person",
        "person": person,
        "user": user,
        "role": role,
        "work_unit": work_unit,
        "assignment": assignment,
        "head": head,
    }


def service_actor(name: str) -> Dict[str, Any]:
    """The ``actor`` member for the service itself, by the name of the part that acted."""
    return {"kind": "service", "name": name}


def commitment(field: str, value: str, salt: bytes) -> str:
    """The hex commitment HMAC-SHA256(salt, field ‖ 0x00 ‖ UTF-8 value) (RFC 2104) to a piece of personal data.

    Hiding rests on the 32 random bytes of ``salt``: erase it with the value and the hash says nothing.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return hmac.new(salt, field.encode("ascii") + b"\x00" + value.encode("utf-8"), sha256).hexdigest()


def commitments_in(payload: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Every (field, commitment) of a payload, nested ones by dotted field name, in order of name."""
    found: List[Tuple[str, str]] = []

    def walk(part: Mapping[str, Any], prefix: str) -> None:
        for name, value in part.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{name}.")
            elif name.endswith("_commitment") and isinstance(value, str):
                found.append((prefix + name[: -len("_commitment")], value))

    walk(payload, "")
    return sorted(found)

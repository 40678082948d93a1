"""An SOP as data: its steps, norms, roles and duties, read from a definition and asked by the state machine.

A definition is plain JSON-like data (docs/sop-spmi-601.md shows the first one). ``parse_sop`` reads it in two
passes, so that all that is wrong with it shows at once: the shape of each field, the rules between fields.
Bytes that were registered once are parsed again for decades: a rule may be relaxed here, and never be made
stricter for ``schema = 1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional

from archive_service.domain import permissions
from archive_service.domain.definition import BAD as _BAD
from archive_service.domain.definition import (
    Reader,
    boolean,
    day,
    event_word,
    integer,
    list_of,
    matching,
    one_of,
    table,
    text,
)
from archive_service.domain.definition import quote as _quote
from archive_service.domain.definition import refuse as _refuse
from archive_service.domain.event import KEY, MEDIA
from archive_service.errors import InvalidDefinition, Problem

OUTSIDE = "outside"
"""Where an input comes from that no step of the SOP puts out."""

STEP_KINDS = ("receive", "submit", "review", "approve", "archive")
DECISION_KINDS = ("review", "approve")
FILE_EVIDENCE = ("document", "form", "receipt")
EVIDENCE = (*FILE_EVIDENCE, "decision", "seal")
NORM_UNITS = ("minute", "hour", "day")
DAY_POLICIES = ("working_minutes", "own_day_minutes", "end_of_next_working_day")
"""What "1 hari" may mean; counted by ``working_time.limit_of``."""
INDICATOR_DUTIES = ("evidence", "results")
"""What a step owes each performance indicator of the dossier: documents that support it, or its results in words."""
ATTACHMENT = "attachment"
"""The kind of a document that belongs to an explanation, not to a step: no output is called so."""
OPENING = "opening"
"""Where a question is answered that no step asks: when the dossier is opened."""
QUARTER = "quarter"
"""What a condition may ask besides the SOP's own questions: the dossier's quarter, 1 to 4."""
PDF = "application/pdf"
FILE_COUNT_LIMIT = 1000


@dataclass(frozen=True)
class Approver:
    """Who put the SOP into force, as its public text says."""

    name: str
    title: str
    nip: str


@dataclass(frozen=True)
class SourceText:
    """The text that the definition was written from: its file beside the definition and its hex SHA-256."""

    file: str
    sha256: str


@dataclass(frozen=True)
class TimeRule:
    """How the SOP's norms are counted; ``day_minutes`` is what "1 hari" means under ``day_policy``."""

    timezone: str
    day_policy: str
    day_minutes: int
    provenance: str
    confidence: int


@dataclass(frozen=True)
class RoleRule:
    """A role that performs steps; of a team one person leads."""

    key: str
    title: str
    team: bool


@dataclass(frozen=True)
class InputRule:
    """Something that a step needs (kelengkapan): a kind of output of the step ``source``, or from outside."""

    kind: str
    title: str
    source: str


@dataclass(frozen=True)
class FormField:
    """One question of a form: ``lines`` above 1 asks for a longer text."""

    key: str
    title: str
    lines: int = 1
    required: bool = True


@dataclass(frozen=True)
class Form:
    """A page that a person fills in; the service makes the PDF of it."""

    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True)
class OutputRule:
    """Something that a step leaves (keluaran): ``minimum`` to ``maximum`` files, or none by its evidence.

    A decision with a ``form`` may leave one file as well: the PDF of the form.
    """

    kind: str
    title: str
    evidence: str
    media: tuple[str, ...]
    minimum: int
    maximum: int
    form: Optional[Form] = None

    @property
    def has_files(self) -> bool:
        """Whether files are received for it."""
        return self.maximum > 0


@dataclass(frozen=True)
class Question:
    """Something that is answered once in a dossier, by one of the ``choices``; conditional steps depend on it.

    ``asked_at`` is the step whose performer answers when finishing it, or ``opening``.
    """

    key: str
    title: str
    choices: tuple[str, ...]
    asked_at: str


@dataclass(frozen=True)
class Equipment:
    """An item of the SOP's equipment (peralatan), and the kinds of documents that it is, where it is any."""

    text: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Norm:
    """The time norm (waktu) as an amount of working units, and in the SOP's own words."""

    amount: int
    unit: str
    text: str


@dataclass(frozen=True)
class Condition:
    """When a step applies: the answer to the question ``field`` must equal the text."""

    field: str
    equals: str


@dataclass(frozen=True)
class Inference:
    """A field that the text does not give, such as ``outputs[0].media``: how sure (1 to 100) and why."""

    field: str
    confidence: int
    why: str


@dataclass(frozen=True)
class Step:
    """One activity of the SOP with its performer, what it needs, what it leaves and how long it may take."""

    key: str
    activity: str
    performer: str
    kind: str
    after: tuple[str, ...]
    inputs: tuple[InputRule, ...]
    outputs: tuple[OutputRule, ...]
    norm: Norm
    separate_from: tuple[str, ...]
    explanations_accepted_by: str
    pauses_granted_by: str
    inferred: tuple[Inference, ...]
    returns_to: Optional[str] = None
    when: Optional[Condition] = None
    remarks: Optional[str] = None
    indicators: Optional[str] = None

    @property
    def is_decision(self) -> bool:
        """Whether the step ends with an approval or a return."""
        return self.kind in DECISION_KINDS

    @property
    def file_outputs(self) -> tuple[OutputRule, ...]:
        """The outputs that people upload files for."""
        return tuple(rule for rule in self.outputs if rule.has_files)

    @property
    def decision_output(self) -> Optional[OutputRule]:
        """The output that is the decision itself, or None when the step decides nothing."""
        return next((rule for rule in self.outputs if rule.evidence == "decision"), None)

    def output(self, kind: str) -> OutputRule:
        """The output of that kind; KeyError when the step has none."""
        for rule in self.outputs:
            if rule.kind == kind:
                return rule
        raise KeyError(f"step {self.key} puts out no {kind}")


@dataclass(frozen=True)
class Sop:
    """One version of a procedure. Dates are ``YYYY-MM-DD``; steps stand in the order of the definition."""

    key: str
    version: int
    number: str
    title: str
    institution: str
    owner: str
    document_address: Optional[str]
    approved_by: Approver
    made_on: str
    revised_on: Optional[str]
    effective_on: str
    legal_bases: tuple[str, ...]
    qualifications: tuple[str, ...]
    related: tuple[str, ...]
    equipment: tuple[Equipment, ...]
    warnings: tuple[str, ...]
    recording: str
    remarks: Optional[str]
    source: SourceText
    time: TimeRule
    roles: tuple[RoleRule, ...]
    steps: tuple[Step, ...]
    questions: tuple[Question, ...] = ()
    explain_within: Norm = Norm(3, "day", "3 hari kerja")
    escalates_to: str = permissions.QUALITY_CHECKER

    @cached_property
    def _steps_by_key(self) -> dict[str, Step]:
        return {step.key: step for step in self.steps}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All step keys, each after those that it waits for, else as the definition has them."""
        waiting = list(self.steps)
        done: dict[str, None] = {}
        while waiting:
            free = next(step for step in waiting if all(key in done for key in step.after))
            done[free.key] = None
            waiting.remove(free)
        return tuple(done)

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for key in self.order:
            after = self._steps_by_key[key].after
            found[key] = frozenset(after).union(*(found[before] for before in after))
        return found

    def step(self, key: str) -> Step:
        """The step with that key; KeyError when there is none."""
        return self._steps_by_key[key]

    def role(self, key: str) -> RoleRule:
        """The role with that key; KeyError when the SOP names none."""
        for role in self.roles:
            if role.key == key:
                return role
        raise KeyError(key)

    def questions_at(self, place: str) -> tuple[Question, ...]:
        """What is asked when that step is finished, or at ``opening``."""
        return tuple(question for question in self.questions if question.asked_at == place)

    def superiors_of(self, role: str) -> frozenset[str]:
        """The roles that accept the explanations of a role's steps: whom it answers to in this SOP."""
        return frozenset(step.explanations_accepted_by for step in self.steps if step.performer == role)

    def leaders(self) -> frozenset[str]:
        """The roles that approve in this SOP; without an approving step, whoever nobody else in it stands above."""
        found = frozenset(step.performer for step in self.steps if step.kind == "approve")
        return found or frozenset(
            step.performer for step in self.steps if step.explanations_accepted_by in permissions.OFFICE_ROLES
        )

    def first_steps(self) -> tuple[str, ...]:
        """The keys of the steps that wait for no other."""
        return tuple(key for key in self.order if not self.step(key).after)

    def successors(self, key: str) -> tuple[str, ...]:
        """The keys of the steps that wait for this one directly; KeyError when there is no such step."""
        self.step(key)
        return tuple(other for other in self.order if key in self.step(other).after)

    def ancestors(self, key: str) -> frozenset[str]:
        """The keys of all steps that must end before this one starts; KeyError when there is no such step."""
        return self._ancestors[key]

    def between(self, returns_to: str, key: str) -> tuple[str, ...]:
        """The steps from ``returns_to`` to ``key``, both included, that a return runs again; maybe none."""
        until = self.ancestors(key) | {key}
        self.step(returns_to)
        return tuple(
            each for each in self.order if each in until and (each == returns_to or returns_to in self.ancestors(each))
        )


# ---- the shape of each field

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NIP = re.compile(r"[0-9]{18}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}")
_FIELD = re.compile(r"[a-z_]{1,64}(?:\[[0-9]{1,3}\])?(?:\.[a-z_]{1,64}(?:\[[0-9]{1,3}\])?){0,3}")

_TITLE = text(500)
_LONG = text(2000)
_REMARKS = text(2000, may_be_empty=True)
_WORD = event_word(KEY, "a key: a-z, 0-9, '_', '-' and '.', at most 64 characters")
_PERCENT = integer(1, 100)
_STEP_KEYS = list_of(_WORD, 0, 200)

_INPUT = table({"kind": _WORD, "title": _TITLE, "from": _WORD}, {})
_OUTPUT = table(
    {
        "kind": _WORD,
        "title": _TITLE,
        "evidence": one_of(*EVIDENCE),
        "media": list_of(event_word(MEDIA, "a media type such as application/pdf"), 0, 32),
        "min": integer(0, FILE_COUNT_LIMIT),
        "max": integer(0, FILE_COUNT_LIMIT),
    },
    {
        "form": table(
            {
                "title": _TITLE,
                "fields": list_of(
                    table({"key": _WORD, "title": _TITLE}, {"lines": integer(1, 40), "required": boolean}), 1, 40
                ),
            },
            {},
        )
    },
)
_NORM = table({"amount": integer(1, 100_000), "unit": one_of(*NORM_UNITS), "text": _TITLE}, {})
_STEP_REQUIRED: dict[str, Reader] = {
    "key": _WORD,
    "activity": _LONG,
    "performer": _WORD,
    "kind": one_of(*STEP_KINDS),
    "after": _STEP_KEYS,
    "inputs": list_of(_INPUT, 0, 32),
    "outputs": list_of(_OUTPUT, 1, 32),
    "norm": _NORM,
    "separate_from": _STEP_KEYS,
    "explanations_accepted_by": _WORD,
    "pauses_granted_by": _WORD,
    "inferred": list_of(
        table(
            {
                "field": matching(_FIELD, "a field of this step such as performer or outputs[0].media"),
                "confidence": _PERCENT,
                "why": _LONG,
            },
            {},
        ),
        0,
        100,
    ),
}
_STEP_OPTIONAL: dict[str, Reader] = {
    "returns_to": _WORD,
    "when": table({"field": _WORD, "equals": _TITLE}, {}),
    "remarks": _REMARKS,
    "indicators": one_of(*INDICATOR_DUTIES),
}


def _equipment(value: Any, place: str, problems: list[Problem]) -> Any:
    if isinstance(value, dict):
        return table({"text": _LONG, "kinds": list_of(_WORD, 1, 32)}, {})(value, place, problems)
    text = _LONG(value, place, problems)
    return _BAD if text is _BAD else {"text": text, "kinds": []}


_LINES = list_of(_LONG, 0, 100)
_SOP = table(
    {
        "schema": integer(1, 1),
        "kind": one_of("sop"),
        "key": _WORD,
        "version": integer(1, 10**6),
        "number": _TITLE,
        "title": _TITLE,
        "institution": _TITLE,
        "owner": _TITLE,
        "approved_by": table({"name": _TITLE, "title": _TITLE, "nip": matching(_NIP, "18 digits")}, {}),
        "made_on": day,
        "effective_on": day,
        "legal_bases": _LINES,
        "qualifications": _LINES,
        "related": _LINES,
        "equipment": list_of(_equipment, 0, 100),
        "warnings": _LINES,
        "recording": _LONG,
        "source": table(
            {
                "file": matching(_FILE, "a relative file name without '..'"),
                "sha256": matching(_DIGEST, "64 lower-case hex digits"),
            },
            {},
        ),
        # Another zone would be counted as if it were this one: refused until it is counted.
        "time": table(
            {
                "timezone": one_of("Asia/Jakarta"),
                "day_policy": one_of(*DAY_POLICIES),
                "day_minutes": integer(1, 1440),
                "provenance": one_of("stated", "inferred"),
                "confidence": _PERCENT,
            },
            {},
        ),
        "roles": list_of(table({"key": _WORD, "title": _TITLE, "team": boolean}, {}), 1, 100),
        "steps": list_of(table(_STEP_REQUIRED, _STEP_OPTIONAL), 1, 200),
    },
    {
        "document_address": text(2000, has_lines=True),
        "revised_on": day,
        "remarks": _REMARKS,
        "questions": list_of(
            table({"key": _WORD, "title": _TITLE, "choices": list_of(_TITLE, 2, 32), "asked_at": _WORD}, {}), 0, 32
        ),
        "explain_within": _NORM,
        "escalates_to": _WORD,
    },
)


# ---- the rules between fields

Draft = dict[str, Any]
"""The fields of a table that could be read."""


class _Graph:
    """Which step comes before which, among the steps that could be read; a step is known by its index."""

    def __init__(self, drafts: Sequence[Any]) -> None:
        self.drafts: dict[int, Draft] = {i: draft for i, draft in enumerate(drafts) if draft is not _BAD}
        self.index_of: dict[str, int] = {}
        for i, draft in self.drafts.items():
            if "key" in draft:
                self.index_of.setdefault(draft["key"], i)
        self.has_all_keys = _BAD not in drafts and all("key" in draft for draft in self.drafts.values())
        self.before: dict[int, set[int]] = {i: self._list_before(i) for i in self.drafts}
        self.broken: set[int] = {
            i
            for i, draft in self.drafts.items()
            if i in self.before[i] or any(key not in self.index_of for key in draft.get("after", [_BAD]))
        }

    def _list_before(self, index: int) -> set[int]:
        found: set[int] = set()
        ahead = [index]
        while ahead:
            for key in self.drafts[ahead.pop()].get("after", []):
                other = self.index_of.get(key)
                if other is not None and other not in found:
                    found.add(other)
                    ahead.append(other)
        return found

    def is_before(self, key: str, index: int) -> bool:
        """Whether the step comes before that one; also true when ``after`` is wrong on the way there."""
        return self.index_of[key] in self.before[index] or bool(({index} | self.before[index]) & self.broken)

    def name(self, index: int) -> str:
        return str(self.drafts[index].get("key", f"steps[{index}]"))


def _names_of(drafts: Any, field: str) -> Optional[list[str]]:
    """The field of each entry, or None when one could not be read: then nothing is known to be absent."""
    if drafts is None or any(draft is _BAD or field not in draft for draft in drafts):
        return None
    return [str(draft[field]) for draft in drafts]


def _check_unique(values: Iterable[tuple[str, Any]], problems: list[Problem]) -> None:
    seen: dict[Any, str] = {}
    for place, value in values:
        if value is _BAD or value is None:
            continue
        if value in seen:
            _refuse(problems, place, f"repeats {seen[value]}: {_quote(value)}")
        else:
            seen[value] = place


def _each(drafts: Any, field: str, place: str) -> Iterable[tuple[str, Any]]:
    read = [(i, draft) for i, draft in enumerate(drafts or []) if draft is not _BAD]
    return [(f"{place}[{i}].{field}", draft.get(field)) for i, draft in read]


def _check_roles(sop: Draft, problems: list[Problem]) -> None:
    _check_unique(_each(sop.get("roles"), "key", "roles"), problems)
    for place, key in _each(sop.get("roles"), "key", "roles"):
        if key in (*permissions.OFFICE_ROLES, permissions.CONTRIBUTOR):
            _refuse(problems, place, f"is the key of an office role: {_quote(key)}; choose another")


def _check_role_names(place: str, step: Draft, roles: Optional[list[str]], problems: list[Problem]) -> None:
    performer = step.get("performer")
    if roles is not None and performer is not None and performer not in roles:
        _refuse(problems, f"{place}.performer", f"is no role of this SOP: {_quote(performer)}")
    for field in ("explanations_accepted_by", "pauses_granted_by"):
        role = step.get(field)
        if role is None:
            continue
        if roles is not None and role not in (*roles, permissions.QUALITY_CHECKER):
            message = f"is neither a role of this SOP nor quality_checker: {_quote(role)}"
            _refuse(problems, f"{place}.{field}", message)
        elif role == performer:
            _refuse(problems, f"{place}.{field}", "is the performer's own role; name another")


def _check_after(index: int, graph: _Graph, problems: list[Problem]) -> None:
    place, step = f"steps[{index}]", graph.drafts[index]
    if step.get("key") == OUTSIDE:
        _refuse(problems, f"{place}.key", f"must not be {_quote(OUTSIDE)}: it means that an input is of no step")
    for i, key in enumerate(step.get("after", [])):
        _check_known(f"{place}.after[{i}]", key, graph, problems)
    _check_unique(((f"{place}.after[{i}]", key) for i, key in enumerate(step.get("after", []))), problems)
    cyclic = {other for other in graph.before[index] if other in graph.before[other]}
    if index in graph.before[index]:
        circle = [other for other in sorted(cyclic) if index in graph.before[other]]
        names = ", ".join(graph.name(other) for other in circle)
        _refuse(problems, f"{place}.after", f"is part of a cycle: each of {names} waits for itself")
    elif cyclic:
        names = ", ".join(graph.name(other) for other in sorted(cyclic))
        _refuse(problems, f"{place}.after", f"can never be reached: it waits for the cycle of {names}")


def _check_known(place: str, key: Any, graph: _Graph, problems: list[Problem]) -> bool:
    if key is not _BAD and key not in graph.index_of and graph.has_all_keys:
        _refuse(problems, place, f"names no step: {_quote(key)}")
    return key in graph.index_of


def _check_before(place: str, key: str, index: int, graph: _Graph, problems: list[Problem]) -> bool:
    if not _check_known(place, key, graph, problems):
        return False
    if not graph.is_before(key, index):
        _refuse(problems, place, f"names no earlier step: {_quote(key)} does not come before this one")
        return False
    return True


def _check_inputs(index: int, graph: _Graph, problems: list[Problem]) -> None:
    place, step = f"steps[{index}].inputs", graph.drafts[index]
    allowed: tuple[str, ...]
    # A missing input is a deviation of its kind: two of a kind could not be told apart.
    _check_unique(_each(step.get("inputs"), "kind", place), problems)
    for i, rule in enumerate(step.get("inputs", [])):
        kind, source = (None, None) if rule is _BAD else (rule.get("kind"), rule.get("from"))
        if source is None:
            continue
        if source == OUTSIDE:
            # Such a document arrives as a file of this step: there is no other way into the dossier.
            giver, allowed, wrong = (
                step,
                FILE_EVIDENCE,
                "is from outside, but this step takes no file of the kind",
            )
        elif not _check_before(f"{place}[{i}].from", source, index, graph, problems):
            continue
        else:
            giver, allowed, wrong = (
                graph.drafts[graph.index_of[source]],
                EVIDENCE,
                f"is no output of step {source}",
            )
        kinds, evidence = (_names_of(giver.get("outputs"), field) for field in ("kind", "evidence"))
        if kind is None or kinds is None or evidence is None:
            continue
        if kind not in [k for k, e in zip(kinds, evidence) if e in allowed]:
            _refuse(problems, f"{place}[{i}].kind", f"{wrong}: {_quote(kind)}")


def _check_outputs(place: str, step: Draft, problems: list[Problem]) -> None:
    outputs = step.get("outputs")
    _check_unique(_each(outputs, "kind", f"{place}.outputs"), problems)
    for i, rule in enumerate(outputs or []):
        if rule is _BAD:
            continue
        here = f"{place}.outputs[{i}]"
        if rule.get("kind") == ATTACHMENT:
            _refuse(
                problems, f"{here}.kind", f"must not be {_quote(ATTACHMENT)}: explanations have documents of that kind"
            )
        if "evidence" not in rule:
            continue
        evidence = rule["evidence"]
        media, low, high = rule.get("media"), rule.get("min"), rule.get("max")
        _check_unique(((f"{here}.media[{m}]", each) for m, each in enumerate(media or [])), problems)
        fields = rule["form"].get("fields") if isinstance(rule.get("form"), dict) else None
        _check_unique(_each(fields, "key", f"{here}.form.fields"), problems)
        if evidence in FILE_EVIDENCE:
            if fields is not None and (
                evidence != "form" or (media is not None and _BAD not in media and PDF not in media)
            ):
                _refuse(problems, f"{here}.form", f"needs the evidence form and the media type {PDF}")
            if media == []:
                _refuse(problems, f"{here}.media", f"must name the media types of a {evidence}")
            if high == 0:
                _refuse(problems, f"{here}.max", f"must be at least 1: a {evidence} has files")
            elif low is not None and high is not None and low > high:
                _refuse(problems, f"{here}.min", f"must not be greater than max ({high})")
        else:
            if "form" in rule and evidence != "decision":
                _refuse(problems, f"{here}.form", f"belongs to a form or a decision, not to a {evidence}")
            if media:
                _refuse(problems, f"{here}.media", f"must be empty: a {evidence} has no files")
            for field, value in (("min", low), ("max", high)):
                if value:
                    _refuse(problems, f"{here}.{field}", f"must be 0: a {evidence} has no files")
    evidence_of_all = _names_of(outputs, "evidence")
    if evidence_of_all is None or "kind" not in step:
        return
    for evidence, kinds in (("decision", DECISION_KINDS), ("seal", ("archive",))):
        wanted, count = (1 if step["kind"] in kinds else 0), evidence_of_all.count(evidence)
        if count != wanted:
            message = f"must hold {wanted} with the evidence {evidence} (kind {step['kind']}), not {count}"
            _refuse(problems, f"{place}.outputs", message)


def _check_references(index: int, graph: _Graph, problems: list[Problem]) -> None:
    place, step = f"steps[{index}]", graph.drafts[index]
    target = step.get("returns_to")
    if target is not None:
        _check_before(f"{place}.returns_to", target, index, graph, problems)
        if step.get("kind", "review") not in DECISION_KINDS:
            _refuse(problems, f"{place}.returns_to", "belongs to a review or approve step alone")
    others = step.get("separate_from", [])
    _check_unique(((f"{place}.separate_from[{i}]", key) for i, key in enumerate(others)), problems)
    for i, key in enumerate(others):
        here = f"{place}.separate_from[{i}]"
        if _check_known(here, key, graph, problems) and graph.index_of[key] == index:
            _refuse(problems, here, "names the step itself")


def _check_questions(sop: Draft, graph: _Graph, problems: list[Problem]) -> None:
    _check_unique(_each(sop.get("questions"), "key", "questions"), problems)
    asked: dict[str, Draft] = {QUARTER: {"key": QUARTER, "choices": ["1", "2", "3", "4"], "asked_at": OPENING}}
    for i, question in enumerate(sop.get("questions") or []):
        if question is _BAD:
            continue
        choices, place = question.get("choices") or [], question.get("asked_at")
        _check_unique(((f"questions[{i}].choices[{c}]", each) for c, each in enumerate(choices)), problems)
        if question.get("key") == QUARTER:
            _refuse(problems, f"questions[{i}].key", f"must not be {_quote(QUARTER)}: that is the dossier's own")
        elif question.get("key") is not None:
            asked[question["key"]] = question
        here = f"questions[{i}].asked_at"
        is_step = place is not None and place != OPENING and _check_known(here, place, graph, problems)
        if is_step and graph.drafts[graph.index_of[place]].get("kind") == "archive":
            _refuse(problems, here, "is the archive step: nothing comes after it that could depend on the answer")
    for index, step in graph.drafts.items():
        when = step.get("when")
        if not isinstance(when, dict) or "field" not in when:
            continue
        here = f"steps[{index}].when"
        if step.get("kind") == "archive":
            _refuse(problems, here, "does not belong to the archive step: it always ends the dossier")
        question = asked.get(when["field"])
        if question is None:
            if _BAD not in (sop.get("questions") or []):
                _refuse(problems, f"{here}.field", f"names no question of this SOP: {_quote(when['field'])}")
            continue
        if question.get("choices") and "equals" in when and when["equals"] not in question["choices"]:
            _refuse(problems, f"{here}.equals", f"is no choice of the question: {_quote(when['equals'])}")
        if question.get("asked_at") in graph.index_of:
            _check_before(f"{here}.field", question["asked_at"], index, graph, problems)


def _check_equipment(sop: Draft, graph: _Graph, problems: list[Problem]) -> None:
    kinds = [_names_of(step.get("outputs"), "kind") for step in graph.drafts.values()]
    # where a step or a kind could not be read, nothing is known to be absent
    if not kinds or None in kinds or _BAD in (sop.get("steps") or []):
        return
    known = {kind for of_step in kinds for kind in of_step or []}
    for i, item in enumerate(sop.get("equipment") or []):
        for k, kind in enumerate([] if item is _BAD else item.get("kinds") or []):
            if kind is not _BAD and kind not in known:
                _refuse(problems, f"equipment[{i}].kinds[{k}]", f"is no output of this SOP: {_quote(kind)}")


def _check_archive(graph: _Graph, is_complete: bool, problems: list[Problem]) -> None:
    found = [i for i, draft in graph.drafts.items() if draft.get("kind") == "archive"]
    if not found and graph.drafts and is_complete and all("kind" in draft for draft in graph.drafts.values()):
        _refuse(problems, "steps", "must hold one archive step: it ends the dossier")
    for i in found[1:]:
        _refuse(problems, f"steps[{i}].kind", f"is a second archive step, after {graph.name(found[0])}")
    if len(found) == 1 and not graph.broken:
        beside = [graph.name(i) for i in graph.drafts if i != found[0] and i not in graph.before[found[0]]]
        if beside:
            message = f"is an archive step that does not come last: it must wait for {', '.join(beside)} too"
            _refuse(problems, f"steps[{found[0]}].kind", message)


def _check_inferences(place: str, step: Draft, given: Any, problems: list[Problem]) -> None:
    # An inference about nothing would leave the field that it meant standing as the SOP's own word.
    reported = {problem.place for problem in problems}
    _check_unique(_each(step.get("inferred"), "field", f"{place}.inferred"), problems)
    for here, field in _each(step.get("inferred"), "field", f"{place}.inferred"):
        node, path = given, place
        for part in [] if field is None else re.findall(r"[a-z_]+|\[[0-9]+\]", field):
            if part.startswith("["):
                path, i = path + part, int(part[1:-1])
                node = node[i] if isinstance(node, list) and i < len(node) else _BAD
            else:
                path = f"{path}.{part}"
                node = node.get(part, _BAD) if isinstance(node, dict) else _BAD
            if path in reported:
                break
            if node is _BAD:
                _refuse(problems, here, f"names nothing in this step: {_quote(field)}")
                break


def _check_rules(sop: Draft, given: Mapping[str, Any], problems: list[Problem]) -> None:
    _check_roles(sop, problems)
    drafts = sop.get("steps")
    if drafts is None:
        return
    _check_unique(_each(drafts, "key", "steps"), problems)
    graph = _Graph(drafts)
    roles = _names_of(sop.get("roles"), "key")
    for index, step in graph.drafts.items():
        place = f"steps[{index}]"
        _check_role_names(place, step, roles, problems)
        _check_after(index, graph, problems)
        _check_inputs(index, graph, problems)
        _check_outputs(place, step, problems)
        _check_references(index, graph, problems)
        _check_inferences(place, step, given["steps"][index], problems)
    _check_archive(graph, _BAD not in drafts, problems)
    _check_questions(sop, graph, problems)
    _check_equipment(sop, graph, problems)
    escalates_to = sop.get("escalates_to")
    if roles is not None and escalates_to is not None and escalates_to not in (*roles, permissions.QUALITY_CHECKER):
        message = f"is neither a role of this SOP nor quality_checker: {_quote(escalates_to)}"
        _refuse(problems, "escalates_to", message)


# ---- from a definition to an Sop


def _build_output(draft: Draft) -> OutputRule:
    form = None
    if "form" in draft:
        form = Form(draft["form"]["title"], tuple(FormField(**each) for each in draft["form"]["fields"]))
    media, maximum = tuple(draft["media"]), draft["max"]
    if form is not None and draft["evidence"] == "decision":
        media, maximum = (PDF,), 1
    return OutputRule(draft["kind"], draft["title"], draft["evidence"], media, draft["min"], maximum, form)


def _build_step(draft: Draft) -> Step:
    rest = ("after", "inputs", "outputs", "norm", "separate_from", "inferred", "when")
    outputs = tuple(_build_output(o) for o in draft["outputs"])
    return Step(
        after=tuple(draft["after"]),
        inputs=tuple(InputRule(i["kind"], i["title"], i["from"]) for i in draft["inputs"]),
        outputs=outputs,
        norm=Norm(**draft["norm"]),
        separate_from=tuple(draft["separate_from"]),
        inferred=tuple(Inference(**each) for each in draft["inferred"]),
        when=Condition(**draft["when"]) if "when" in draft else None,
        **{name: value for name, value in draft.items() if name not in rest},
    )


def parse_sop(mapping: Mapping[str, Any]) -> Sop:
    """The SOP that plain JSON-like data defines; dates may be texts or ``datetime.date``.

    Raises InvalidDefinition with every problem and its place. What only follows from a field that could not
    be read, or from an order of steps that is broken itself, is not reported on top.
    """
    problems: list[Problem] = []
    draft = _SOP(mapping, "", problems)
    if draft is not _BAD:
        _check_rules(draft, mapping, problems)
    if problems:
        raise InvalidDefinition(problems)
    draft = {name: tuple(value) if isinstance(value, list) else value for name, value in draft.items()}
    for name in ("schema", "kind"):
        del draft[name]
    for name in ("document_address", "revised_on", "remarks"):
        draft.setdefault(name, None)
    draft["approved_by"] = Approver(**draft["approved_by"])
    draft["source"] = SourceText(**draft["source"])
    draft["time"] = TimeRule(**draft["time"])
    draft["roles"] = tuple(RoleRule(**role) for role in draft["roles"])
    draft["steps"] = tuple(_build_step(step) for step in draft["steps"])
    draft["equipment"] = tuple(Equipment(item["text"], tuple(item["kinds"])) for item in draft["equipment"])
    if "questions" in draft:
        draft["questions"] = tuple(
            Question(q["key"], q["title"], tuple(q["choices"]), q["asked_at"]) for q in draft["questions"]
        )
    if "explain_within" in draft:
        draft["explain_within"] = Norm(**draft["explain_within"])
    return Sop(**draft)

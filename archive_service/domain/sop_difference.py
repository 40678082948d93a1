"""What differs between two versions of an SOP: which step, which field, before and after; data, for pages to put into words."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

ADDED = "added"
REMOVED = "removed"
CHANGED = "changed"
MOVED = "moved"

_IGNORED = frozenset(["schema", "kind", "version"])
_KEYED: Dict[str, str] = {
    "steps": "key",
    "roles": "key",
    "questions": "key",
    "inputs": "kind",
    "outputs": "kind",
    "inferred": "field",
    "fields": "key",
}
"""Lists whose entries are known by one of their fields, so that one which moved or was inserted is not told as many that changed."""


class Difference(NamedTuple):
    """One thing that differs. ``step`` is the key of the step that it belongs to, None for the head of the SOP; ``field`` a dotted name."""

    what: str
    step: Optional[str]
    field: str
    before: Optional[str]
    after: Optional[str]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> List[Difference]:
    """The differences of two definitions of an SOP as plain data: the head first, then step by step in the newer order."""
    found: List[Difference] = []
    heads = [name for name in dict.fromkeys([*before, *after]) if name not in _IGNORED and name != "steps"]
    for name in heads:
        _compare_value(None, name, before.get(name), after.get(name), found)
    old = {step["key"]: step for step in before.get("steps", [])}
    new = {step["key"]: step for step in after.get("steps", [])}
    for key, step in new.items():
        if key not in old:
            found.append(Difference(ADDED, key, "", None, str(step.get("activity", ""))))
            continue
        for name in dict.fromkeys([*old[key], *step]):
            _compare_value(key, name, old[key].get(name), step.get(name), found)
    for key, step in old.items():
        if key not in new:
            found.append(Difference(REMOVED, key, "", str(step.get("activity", "")), None))
    kept = [key for key in old if key in new]
    if kept != [key for key in new if key in old]:
        found.append(Difference(MOVED, None, "steps", ", ".join(kept), ", ".join(key for key in new if key in old)))
    return found


def _compare_value(step: Optional[str], field: str, before: Any, after: Any, found: List[Difference]) -> None:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            _compare_value(step, f"{field}.{name}", before.get(name), after.get(name), found)
        return
    if isinstance(before, list) and isinstance(after, list):
        _compare_lists(step, field, before, after, found)
        return
    what = ADDED if before is None else REMOVED if after is None else CHANGED
    found.append(Difference(what, step, field, _told(before), _told(after)))


def _compare_lists(
    step: Optional[str], field: str, before: Sequence[Any], after: Sequence[Any], found: List[Difference]
) -> None:
    by = _KEYED.get(field.rpartition(".")[2].partition("[")[0])
    is_keyed = by is not None and all(isinstance(item, dict) and by in item for item in [*before, *after])
    if by is not None and is_keyed:
        old, new = {item[by]: item for item in before}, {item[by]: item for item in after}
        for key in dict.fromkeys([*old, *new]):
            _compare_value(step, f"{field}[{key}]", old.get(key), new.get(key), found)
        return
    gone = [item for item in before if item not in after]
    come = [item for item in after if item not in before]
    if len(gone) == 1 and len(come) == 1:
        _compare_value(step, field, gone[0], come[0], found)
        return
    found.extend(Difference(REMOVED, step, field, _told(item), None) for item in gone)
    found.extend(Difference(ADDED, step, field, None, _told(item)) for item in come)
    if not gone and not come:
        # the same entries in another order, or one of them twice
        found.append(Difference(MOVED, step, field, _told(before), _told(after)))


def _told(value: Any) -> Optional[str]:
    """A value in one line: what it is called, where it has a name."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        named = next((value[name] for name in ("title", "text", "name", "why") if name in value), None)
        if named is not None:
            return str(named)
        return ", ".join(f"{name} {_told(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(str(_told(item)) for item in value)
    return str(value)

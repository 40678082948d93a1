"""The API's own description (OpenAPI 3.1): completed from what every route declares with ``@operation``."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from archive_service.api.operation import NoQuery, Operation, Stream, Text
from archive_service.api.paths import CONVERTERS

REF = "#/components/schemas/{model}"


class ProblemError(BaseModel):
    """One wrong member."""

    place: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457); ``code`` is stable, more members may follow from it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemError] | None = None


HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"schema": {"type": "string"}, "description": "Names this state, for If-None-Match and If-Match."},
    "Link": {"schema": {"type": "string"}, "description": "The next page's address (RFC 8288)."},
    "Location": {"schema": {"type": "string"}, "description": "Where the new thing is."},
    "Repr-Digest": {"schema": {"type": "string"}, "description": "SHA-256 of the whole (RFC 9530)."},
    "Content-Range": {"schema": {"type": "string"}, "description": "Which bytes these are."},
    "Accept-Ranges": {"schema": {"type": "string"}, "description": "bytes"},
    "Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait."},
    "WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer"},
    "Idempotent-Replayed": {"schema": {"type": "string"}, "description": "true: the first answer to this key again."},
}


def describe(app: Flask, spec: dict[str, Any]) -> dict[str, Any]:
    """The description with parameters, bodies, answers and errors of every declared route."""
    declared = dict(_declared(app))
    models = sorted({m for _, o in declared.values() for m in _models(o)} | {Problem}, key=lambda m: m.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    spec.setdefault("components", {})["schemas"] = definitions["$defs"]
    # several blueprints share a tag, and APIFlask names it for each
    spec["tags"] = [{"name": name} for name in dict.fromkeys(tag["name"] for tag in spec["tags"])]
    for methods in spec["paths"].values():
        for described in methods.values():
            rule, op = declared[described["operationId"]]
            described["parameters"] = [*_path_parameters(rule), *_query_parameters(op), *_header_parameters(op)]
            described["responses"] = {**_answers(op), **_errors(rule, op)}
            content = _body_content(op)
            if content:
                described["requestBody"] = {"required": True, "content": content}
            if op.is_open:
                described["security"] = []
    return spec


def _declared(app: Flask) -> Iterator[tuple[str, tuple[Rule, Operation]]]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "_operation"):
            yield view.__name__, (rule, view._operation)


def _models(op: Operation) -> Iterator[type[BaseModel]]:
    for model in (op.answer, op.body):
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield model


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    patterns = {name: getattr(converter, "regex", "[^/]+") for name, converter in rule._converters.items()}
    known = {converter.regex for converter in CONVERTERS.values()}
    for name in sorted(rule.arguments):
        is_number = patterns[name] == CONVERTERS["seq"].regex
        schema: dict[str, Any] = {"type": "string"}
        if is_number:
            schema = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
        elif patterns[name] in known:
            schema["pattern"] = f"^{patterns[name]}$"
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(op: Operation) -> Iterator[dict[str, Any]]:
    if op.query is NoQuery:
        return
    schema = op.query.model_json_schema()
    for name, member in schema["properties"].items():
        kept = {k: v for k, v in member.items() if k not in ("title", "description", "default")}
        # null says in Python that a parameter was left out; nobody can send it
        options = [o for o in kept.pop("anyOf", []) if o != {"type": "null"}]
        kept.update(options[0] if options else {})
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "description": member.get("description", name),
            "schema": kept,
        }


def _header_parameters(op: Operation) -> Iterator[dict[str, Any]]:
    def header(name: str, text: str, **schema: Any) -> dict[str, Any]:
        return {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string", **schema},
        }

    tag = r'^(\*|"[0-9a-f.]{1,200}")$'
    if op.takes_key:
        text = "Sent again with the same request, it gets the first answer again, for 24 hours."
        yield header("Idempotency-Key", text, minLength=1, maxLength=200, pattern="^[A-Za-z0-9_-]{1,200}$")
    if op.takes_match:
        yield header("If-Match", "The ETag of what you decide on: 412 when it has changed since.", pattern=tag)
    if isinstance(op.body, Stream):
        digest = "^sha-256=:[A-Za-z0-9+/]{43}=:$"
        yield header("Content-Digest", "SHA-256 of the bytes (RFC 9530): 422 when others arrive.", pattern=digest)
        yield header("Repr-Digest", "The same, of the representation.", pattern=digest)
    if op.is_download:
        yield header("Range", "One range of bytes.", pattern="^bytes=[0-9]{1,12}-[0-9]{0,12}$")
    if op.is_download or op.is_tagged:
        yield header("If-None-Match", "The ETag of what you have: 304 when it is that still.", pattern=tag)


def _headers(*names: str) -> dict[str, Any]:
    return {name: HEADERS[name] for name in names}


def _answers(op: Operation) -> dict[str, Any]:
    phrase = HTTPStatus(op.status).phrase
    if op.answer is None:
        return {str(op.status): {"description": phrase}}
    if isinstance(op.answer, tuple):
        content = {media: {"schema": _schema_of(media)} for media in op.answer}
        if not op.is_download:
            return _tagged(op, {"description": phrase, "content": content})
        headers = _headers("ETag", "Repr-Digest", "Accept-Ranges")
        return {
            "200": {"description": phrase, "content": content, "headers": headers},
            "206": {
                "description": "The range",
                "content": content,
                "headers": {**headers, **_headers("Content-Range")},
            },
            "304": {"description": "You have these bytes", "headers": _headers("ETag")},
        }
    schema = {"$ref": REF.format(model=op.answer.__name__)}
    contents: dict[str, Any] = {"application/json": {"schema": schema}}
    contents.update({media: {"schema": _schema_of(media)} for media in op.also})
    answer: dict[str, Any] = {"description": phrase, "content": contents}
    return {**_tagged(op, answer), **{str(status): answer for status in op.also_at}}


def _schema_of(media: str) -> dict[str, Any]:
    # what is JSON is anything; a definition's or an event's own rules are in the definition and in the log's documents
    return {} if "json" in media else {"type": "string", "format": "binary"}


def _tagged(op: Operation, answer: dict[str, Any]) -> dict[str, Any]:
    if not op.is_tagged:
        return {str(op.status): answer}
    return {
        "200": {**answer, "headers": _headers("ETag")},
        "304": {"description": "You have this state", "headers": _headers("ETag")},
    }


def _errors(rule: Rule, op: Operation) -> dict[str, Any]:
    statuses = ({422, 500, 503} | op.refuses) - set(op.also_at)
    if not op.is_open:
        statuses |= {401, 403}
    if rule.arguments:
        statuses.add(404)
    if op.body is not None:
        statuses |= {400, 413, 415}
    if op.takes_key or op.takes_match:
        statuses |= {400, 409}
    if op.takes_match:
        statuses.add(412)
    if op.is_download:
        statuses |= {409, 416}
    if op.body is not None or op.status != 200:
        statuses.add(409)
    content = {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}}
    return {str(s): {"description": HTTPStatus(s).phrase, "content": content} for s in sorted(statuses)}


def _body_content(op: Operation) -> dict[str, Any]:
    if isinstance(op.body, Stream):
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    if isinstance(op.body, Text):
        return {op.body.media_types[0]: {"schema": {"type": "string"}}}
    if op.body is not None:
        return {"application/json": {"schema": {"$ref": REF.format(model=op.body.__name__)}}}
    return {}

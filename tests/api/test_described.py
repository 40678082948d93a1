"""The API against its own description: generated requests, as several roles, over an archive with dossiers in all states."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given, seed, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from archive_service.app import create_app
from archive_service.services import delegations, users
from tests.office import Office, open_office

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LOGINS = ("maya", "hendra", "wahyu", "admin")


@schemathesis.serializer("application/toml")
def send_toml(context: Any, value: Any) -> bytes:
    """Whatever was generated, as the text of a definition."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def played(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, str, str]]:
    """An office with a sealed dossier and one that waits at its sixth step."""
    folder = tmp_path_factory.mktemp("described") / "var"
    shutil.copytree(office_template, folder)
    office = open_office(folder, "2026-03-12T09:00")
    sealed = office.play()
    office.turn()
    running = office.play("5")
    office.turn()
    office.at("2026-04-01T09:00")
    office.turn()
    for login, substitute in (("hendra", "agus"), ("sari", "bima")):
        propose(office, login, substitute)
    yield office, sealed, running
    office.archive.db.close()


@pytest.fixture(scope="module")
def app(played: tuple[Office, str, str]) -> APIFlask:
    return create_app(played[0].archive)


@pytest.fixture(scope="module")
def described(app: APIFlask) -> dict[str, Any]:
    spec: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return spec


def test_the_description_is_valid_openapi_3_1(described: dict[str, Any]) -> None:
    validate(described)
    assert described["openapi"] == "3.1.0"
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    operations = [o for methods in described["paths"].values() for o in methods.values()]
    assert len({o["operationId"] for o in operations}) == len(operations) > 50
    assert all(o["summary"] and o["responses"] for o in operations)


def test_the_description_covers_every_route_of_the_api_and_no_page(app: APIFlask, described: dict[str, Any]) -> None:
    wanted = {
        (converted(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("api_")
    }
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == wanted


def converted(rule: str) -> str:
    parts = [f"{{{part[1:-1].partition(':')[2]}}}" if part.startswith("<") else part for part in rule.split("/")]
    return "/".join(parts)


def propose(office: Office, login: str, substitute: str) -> None:
    actor = office.actor(login)
    delegations.propose_delegation(
        office.archive,
        actor,
        substitute=office.persons[substitute],
        assignment=actor.assignments[0].id,
        mode="plh",
        from_on="2026-04-01",
        to_on="2026-04-03",
        letter="ST-12/PL/2026",
        letter_on="2026-03-30",
    )


def ids_known_to(office: Office, sealed: str, running: str) -> dict[str, list[str]]:
    """Real ids for the parameters of paths: random ones would end in 404 every time."""
    admin = create_app(office.archive).test_client()
    token = users.create_token(office.archive, office.actor("admin"), name="ids", days=60).secret
    reader = users.create_token(office.archive, office.actor("nuraini"), name="ids", days=60).secret

    def read(path: str, secret: str = reader) -> Any:
        return admin.get(path, headers={"Authorization": f"Bearer {secret}", "Accept": "application/json"}).get_json()

    found = {d: read(f"/api/v1/dossiers/{d}") for d in (sealed, running)}
    people = read("/api/v1/people", token)["people"]
    return {
        "dossier": [sealed, running],
        "version": [v["version"] for d in found.values() for v in d["documents"][:3]],
        "deviation": [v["deviation"] for d in found.values() for v in d["deviations"]],
        "step": ["1", "4", "6", "7", "11"],
        "job": [j["job"] for j in read(f"/api/v1/dossiers/{sealed}/jobs")["jobs"][:3]],
        "digest": [d["digest"] for d in read("/api/v1/definitions")["definitions"]],
        "person": [p["person"] for p in people[:3]],
        "user": [office.actor("agus").user],
        "assignment": [a["assignment"] for p in people[-2:] for a in p["assignments"]],
        "work_unit": [office.unit],
        "calendar": ["id-government", "mars"],
        "delegation": [d["delegation"] for d in read("/api/v1/delegations")["delegations"]],
        "token": [],
    }


@pytest.fixture(scope="module")
def schema(played: tuple[Office, str, str], app: APIFlask, described: dict[str, Any]) -> Any:
    """The description, its paths' parameters narrowed to ids that there are and one that there is not."""
    known = ids_known_to(*played)
    narrowed = json.loads(json.dumps(described))
    # OpenAPI knows no parameter with a slash in it: nothing that fits can be generated
    del narrowed["paths"]["/log/tile/{tile}"]
    # it says 503 once jobs have waited for ten minutes: nobody runs them here
    del narrowed["paths"]["/readyz"]
    for methods in narrowed["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in known:
                    absent = "0" * (64 if parameter["name"] == "digest" else 32)
                    parameter["schema"] = {"enum": [*known[parameter["name"]], absent]}
                elif parameter["in"] == "path" and parameter["name"] == "seq":
                    parameter["schema"] = {"enum": [0, 3, 999]}
    loaded = schemathesis.openapi.from_dict(narrowed)
    loaded.app = app
    return loaded


def run_cases(schema: Any, office: Office, examples: int) -> Counter[int]:
    """Send generated requests, fitting and unfitting ones, to every operation as every log-in; how often each status came."""
    counted: Counter[int] = Counter()
    for login in LOGINS:
        for operation in (result.ok() for result in schema.get_all_operations()):
            raw = operation.definition.raw
            send_cases(operation, GenerationMode.POSITIVE, office, login, examples, counted)
            # a route that takes nothing cannot be sent anything wrong
            if raw["parameters"] or "requestBody" in raw:
                send_cases(operation, GenerationMode.NEGATIVE, office, login, examples, counted)
    return counted


def send_cases(
    operation: Any, mode: GenerationMode, office: Office, login: str, examples: int, counted: Counter[int]
) -> None:
    secret = users.create_token(office.archive, office.actor(login), name="described", days=60).secret

    @seed(601)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        response = case.call(headers={"Authorization": f"Bearer {secret}"})
        counted[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    send()


@pytest.mark.slow
def test_generated_requests_get_what_the_description_promises(
    schema: Any, played: tuple[Office, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    counted = run_cases(schema, played[0], examples=1)
    with capsys.disabled():
        print(f"\n{sum(counted.values())} generated requests: {dict(sorted(counted.items()))}")
    assert counted[200] > 100 and counted[422] > 100 and counted[404] > 20
    assert not any(status >= 500 for status in counted)


@pytest.mark.full
def test_many_generated_requests_get_what_the_description_promises(
    schema: Any, played: tuple[Office, str, str]
) -> None:
    counted = run_cases(schema, played[0], examples=10)
    assert sum(counted.values()) > 5_000
    assert not any(status >= 500 for status in counted)

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from archive_service.app import create_app
from archive_service.services import users
from tests.office import Office

Client = Callable[[str], "Caller"]


class Caller:
    """One person's way to the API, in process."""

    def __init__(self, client: FlaskClient, secret: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        response = self.client.get(path, headers=self.headers)
        return response.status_code, response.get_json(silent=True) or {}

    def send(self, method: str, path: str, **kwargs: object) -> tuple[int, dict[str, object]]:
        response = self.client.open(path, method=method, headers=self.headers, **kwargs)  # type: ignore[arg-type]
        return response.status_code, response.get_json(silent=True) or {}


@pytest.fixture
def call(office: Office) -> Client:
    """The API as a person of the office."""
    app = create_app(office.archive)

    def as_person(login: str) -> Caller:
        token = users.create_token(office.archive, office.actor(login), name="test", days=60)
        return Caller(app.test_client(), token.secret)

    return as_person

"""How often an address may try log-in and password: the service locks one log-in, this slows down trying many."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from archive_service.config import Settings

ENDPOINTS = ("api_tokens.create_token", "api_tokens.replace_password")


def register(app: Flask, settings: Settings) -> None:
    """Limit the routes that take passwords, counted in Redis where there is one; 0 in the settings turns it off."""
    if settings.token_tries_per_minute == 0:
        return
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=settings.redis_url or "memory://",
        strategy="moving-window",
        key_prefix="archive",
        # a Redis that is down must not keep everybody out: each process counts for itself then
        in_memory_fallback_enabled=settings.redis_url is not None,
        headers_enabled=True,
    )
    for endpoint in ENDPOINTS:
        view: Any = app.view_functions[endpoint]
        app.view_functions[endpoint] = limiter.limit(
            f"{settings.token_tries_per_minute}/minute",
            error_message="Too many tries from your address; wait a minute, then try again.",
        )(view)

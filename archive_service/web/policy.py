"""What a browser may load and run on our pages: nothing from elsewhere, and only scripts that carry this response's nonce."""

from __future__ import annotations

import secrets

from flask import g

BASE = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def script_nonce() -> str:
    """The nonce of this response's scripts, made when a page first asks for it."""
    if "script_nonce" not in g:
        g.script_nonce = secrets.token_urlsafe(18)
    nonce: str = g.script_nonce
    return nonce


def content_security_policy() -> str:
    """The Content-Security-Policy of this response; without a page that asked for a nonce no script runs at all."""
    nonce = g.get("script_nonce")
    return BASE if nonce is None else f"{BASE}; script-src 'nonce-{nonce}'"

"""The headers that every response carries, pages, files, API and log alike; a route that needs another value sets its own."""

from __future__ import annotations

from flask import Response

HSTS = "max-age=31536000"
PERMISSIONS = ", ".join(
    [
        *(f"{name}=()" for name in ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope")),
        *(f"{name}=()" for name in ("magnetometer", "microphone", "midi", "payment", "usb", "xr-spatial-tracking")),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)
"""What a page may ask the browser for: passkeys. The camera of a phone is used by its own upload dialogue, which needs no permission."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # not no-referrer: a browser then sends "Origin: null" with our own forms, and they could not be told from a stranger's
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_headers(response: Response, policy: str, *, is_secure: bool) -> Response:
    """Put on what the response does not say itself; ``policy`` is its Content-Security-Policy."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", policy)
    if is_secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response

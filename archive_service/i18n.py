"""Languages of the pages: Bahasa Indonesia first, English second, through gettext catalogues."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, request
from flask_babel import Babel, get_locale

LANGUAGES = ("id", "en")
CATALOGUES = Path(__file__).parent / "translations"


def register(app: Flask, default: str) -> None:
    """Choose each request's language: ``?lang=``, then the cookie, then the configured default."""

    def select_locale() -> str:
        for wanted in (request.args.get("lang"), request.cookies.get("lang")):
            if wanted in LANGUAGES:
                return str(wanted)
        return default

    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGUES)
    app.context_processor(lambda: {"language": str(get_locale())})
    Babel(app, default_locale=default, default_timezone="Asia/Jakarta", locale_selector=select_locale)

"""Small drawings beside words: inline SVG that takes the colour of its text and says nothing to a screen reader."""

from __future__ import annotations

import json
from functools import cache

from markupsafe import Markup

from archive_service.web.static import FOLDER


@cache
def _shapes() -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / "vendor" / "icons.json").read_text(encoding="utf-8"))
    return found


def icon(name: str) -> Markup:
    """The drawing of this name (scripts/vendor_assets.py lists them); KeyError for one that there is not."""
    # our own file, not a visitor's words
    return Markup(f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{_shapes()[name]}</svg>')

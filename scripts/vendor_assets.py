"""Fetch what the pages use of other projects into ``static/vendor``, each with its licence, and list it with digests in MANIFEST.json.

Only for changing a version: needs ``npm`` and the network. Running the service and its tests needs neither.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

WEB = Path(__file__).parents[1] / "archive_service" / "web"
VENDOR = WEB / "static" / "vendor"
PACKAGES = {
    "bootstrap": "5.3.9",
    "bootstrap-icons": "1.13.2",
    "htmx.org": "4.0.1",
    "@fontsource/source-serif-4": "5.3.1",
    "tus-js-client": "4.3.1",
}
SASS = "1.108.2"
FILES = {
    "htmx.min.js": ("htmx.org", "dist/htmx.min.js"),
    "htmx.LICENSE": ("htmx.org", "LICENSE"),
    "bootstrap.LICENSE": ("bootstrap", "LICENSE"),
    "icons.LICENSE": ("bootstrap-icons", "LICENSE"),
    "source-serif-4-600.woff2": ("@fontsource/source-serif-4", "files/source-serif-4-latin-600-normal.woff2"),
    "source-serif-4.LICENSE": ("@fontsource/source-serif-4", "LICENSE"),
    "tus.min.js": ("tus-js-client", "dist/tus.min.js"),
    "tus.LICENSE": ("tus-js-client", "LICENSE"),
}
ICONS = {
    "home": "house",
    "folder": "folder2-open",
    "check": "check-circle",
    "return": "arrow-counterclockwise",
    "clock": "clock",
    "warn": "exclamation-triangle",
    "search": "search",
    "sample": "shuffle",
    "shield": "shield-check",
    "chart": "bar-chart",
    "people": "people",
    "person": "person-circle",
    "unit": "building",
    "gear": "gear",
    "help": "question-circle",
    "download": "download",
    "upload": "upload",
    "print": "printer",
    "eye": "eye",
    "key": "key",
    "bell": "bell",
    "book": "book",
    "link": "link-45deg",
    "calendar": "calendar3",
    "history": "clock-history",
    "list": "list",
    "archive": "archive",
    "file": "file-earmark-text",
    "leave": "box-arrow-right",
    "globe": "globe",
}
"""Our name of an icon → Bootstrap's."""


def main() -> None:
    """Write the folder anew."""
    VENDOR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()] + [f"sass@{SASS}"]
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", folder, *wanted], check=True)
        modules = Path(folder) / "node_modules"
        for target, (package, source) in FILES.items():
            (VENDOR / target).write_bytes((modules / package / source).read_bytes())
        sass: list[str | Path] = [
            modules / ".bin" / "sass",
            "--quiet",
            "--style=compressed",
            "--no-source-map",
            f"--load-path={modules}",
        ]
        subprocess.run([*sass, WEB / "theme" / "bootstrap.scss", VENDOR / "bootstrap.css"], check=True)
        icons = {name: _shapes(modules / "bootstrap-icons" / "icons" / f"{file}.svg") for name, file in ICONS.items()}
        (VENDOR / "icons.json").write_text(json.dumps(icons, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    made = {"bootstrap.css": "bootstrap", "icons.json": "bootstrap-icons"}
    sources = {target: package for target, (package, _) in FILES.items()} | made
    manifest = {
        path.name: {
            "package": sources[path.name],
            "version": PACKAGES[sources[path.name]],
            "sha256": sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(VENDOR.iterdir())
        if path.name != "MANIFEST.json"
    }
    (VENDOR / "MANIFEST.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _shapes(path: Path) -> str:
    found = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise SystemExit(f"{path.name} is not an icon: look at the package's new layout.")
    return re.sub(r"\s*\n\s*", "", found[1])


if __name__ == "__main__":
    main()

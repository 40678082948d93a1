"""Installs what tests need and pip cannot give: a Chromium, through apt, when one is missing and this is root.

Elsewhere it prints the one command to run and goes on: the browser test then skips with a reason (and fails in CI).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium",)


def is_browser_there() -> bool:
    """Whether any browser that the tests can drive is on PATH."""
    return any(shutil.which(name) for name in BROWSERS)


def main() -> int:
    """Install what is missing; 0 also when that has to be left to somebody else."""
    if is_browser_there():
        return 0
    install = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    apt = shutil.which("apt-get")
    if apt is None:
        print("No Chromium for the browser test: install it with this system's package manager.", file=sys.stderr)
        return 0
    if os.geteuid() != 0:
        print(f"No Chromium for the browser test: run `sudo {' '.join(install)}`.", file=sys.stderr)
        return 0
    print("Installing Chromium for the browser test …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"`{' '.join(command)}` failed, so the browser test cannot run:\n{done.stderr}", file=sys.stderr)
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

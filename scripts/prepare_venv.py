"""Makes ``.venv`` from a hashed lock file: ``prepare_venv.py run|dev``, standard library only.

Nothing is done when ``.venv`` already is what the lock files, pyproject.toml and this script ask for.
Otherwise pip installs uv, uv installs requirements/<group>.txt and then the checkout itself, and a stamp is
written last: a set-up that was stopped half-way leaves none, and the next one starts over.
``dev`` holds everything that ``run`` does.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Not on Windows, where two set-ups at once are the user's to avoid.
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / ".unfinished"
GROUPS = ("run", "dev")
SOURCE_ONLY = "bagit"  # The one package without a wheel; requirements/build.txt pins what builds it.

# They would send packages elsewhere, or other code into the environment that is being made.
MISLEADING_VARIABLES = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


class SetupFailed(Exception):
    """The set-up can't go on; the message is one sentence with the remedy."""


def stamp_of(group: str) -> Path:
    """Where the set-up of a group leaves its stamp."""
    return VENV / f".ready-{group}"


def compute_stamp(group: str) -> str:
    """Digest of everything that a finished ``.venv`` follows from: inputs, place and interpreter."""
    digest = hashlib.sha256()
    # A moved checkout or an upgraded interpreter breaks the scripts in .venv/bin.
    for text in (str(ROOT), os.path.realpath(PYTHON)):
        digest.update(text.encode() + b"\0")
    for name in (
        "requirements/uv.txt",
        "requirements/build.txt",
        f"requirements/{group}.txt",
        "pyproject.toml",
        "archive_service/__init__.py",  # holds the version
        "scripts/prepare_venv.py",
    ):
        digest.update(hashlib.sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()


def is_ready(group: str) -> bool:
    """Whether ``.venv`` is finished and holds the group, by itself or within ``dev``."""
    if not PYTHON.exists() or UNFINISHED.exists():
        return False
    for name in (group, "dev"):
        try:
            if stamp_of(name).read_text() == compute_stamp(name):
                return True
        except OSError:
            continue
    return False


def is_usable() -> bool:
    """Whether ``.venv`` can be brought up to date, rather than made again."""
    if not PYTHON.exists() or UNFINISHED.exists():
        return False
    try:  # After a move of the checkout the scripts still name the interpreter where it was.
        head = (VENV / "bin" / "pip").read_text().splitlines()[:2]
    except (OSError, ValueError):
        return False
    if not re.search(rf"[! \"]{re.escape(str(VENV))}/bin/python", "\n".join(head)):
        return False
    program = "import sys, pip; print(sys.version_info[:2])"
    asked = subprocess.run([PYTHON, "-I", "-c", program], capture_output=True, text=True)
    return asked.returncode == 0 and asked.stdout.strip() == str(sys.version_info[:2])


@contextmanager
def lock_checkout() -> Iterator[int | None]:
    """Keeps other set-ups of this checkout waiting; yields a descriptor that child processes should inherit.

    The lock lies on the checkout's folder, so it needs no file. Children hold it too: after a kill of this
    process alone, the next set-up waits until the last child has stopped writing.
    """
    if fcntl is None:
        yield None
        return
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running: waiting for it ...", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # Some network file systems know no such locks.
            pass
        yield descriptor
    finally:
        os.close(descriptor)


def read_pip_settings() -> dict[str, str]:
    """The index and certificates that pip is configured with, as uv's variables: uv reads no pip.conf."""
    listed = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True)
    variables = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    settings: dict[str, str] = {}
    for line in listed.stdout.splitlines():  # global.index-url='...', install.cert='...', :env:.cert='...'
        place, _, value = line.partition("=")
        variable = variables.get(place.rpartition(".")[2])
        if variable is not None:
            settings[variable] = str(ast.literal_eval(value))
    return settings


def make_environment() -> dict[str, str]:
    """The environment for child processes: nothing that misleads them, no cache where none can be written."""
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING_VARIABLES}
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    while not os.path.exists(cache) and cache != os.path.dirname(cache):
        cache = os.path.dirname(cache)
    if not os.path.isabs(cache) or not os.access(cache, os.W_OK | os.X_OK):
        environment |= {"PIP_NO_CACHE_DIR": "true", "UV_NO_CACHE": "true"}
    return environment


def make_uv_environment() -> dict[str, str]:
    """The environment for uv: it trusts, asks and waits as pip does."""
    return {"UV_SYSTEM_CERTS": "true", "UV_HTTP_TIMEOUT": "180", **read_pip_settings(), **make_environment()}


def remove_venv() -> None:
    """Leaves no ``.venv``, whatever it was."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        PYTHON.unlink(missing_ok=True)  # First: what a stopped removal leaves must not look usable.
        shutil.rmtree(VENV)


def prepare(group: str, descriptor: int | None) -> None:
    """Makes ``.venv`` hold exactly the group's lock file and the checkout; raises SetupFailed."""

    def run(what: str, *command: str | Path, env: dict[str, str]) -> None:
        inherited = () if descriptor is None else (descriptor,)
        status = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, pass_fds=inherited)
        if status.returncode != 0:
            raise SetupFailed(f"{what} failed for the reason above (often the network): mend it, then run make again.")

    if is_usable():
        # `make run` after `make test` must not take the development tools away.
        group = "dev" if stamp_of("dev").exists() else group
    else:
        if VENV.exists() or VENV.is_symlink():
            print("  .venv is unfinished, moved or broken: making it again", flush=True)
        remove_venv()
        VENV.mkdir()
    UNFINISHED.touch()
    for name in GROUPS:
        stamp_of(name).unlink(missing_ok=True)

    environment = make_environment()
    if not PYTHON.exists():
        print("  making the virtual environment ...", flush=True)
        run("Making the virtual environment", sys.executable, "-m", "venv", VENV, env=environment)

    print("  installing the installer ...", flush=True)
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq")
    wheels = ("--require-hashes", "--only-binary", ":all:")
    run("Installing uv", *pip, *wheels, "-r", "requirements/uv.txt", env=environment)

    lock = f"requirements/{group}.txt"
    count = sum(1 for line in (ROOT / lock).read_text().splitlines() if "==" in line.split(" ")[0])
    print(f"  installing up to {count} packages of {lock} ...", flush=True)
    environment = make_uv_environment()
    uv = (VENV / "bin" / "uv", "pip")
    # On a terminal uv shows its own bars; elsewhere the lines above are the progress.
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    target = ("--python", PYTHON, *quiet)
    sources = ("--no-binary", SOURCE_ONLY, "--build-constraint", "requirements/build.txt")
    # compiled now: otherwise each process of a demo or a test compiles them again where it may not write
    run("Installing the packages", *uv, "sync", "--compile-bytecode", *target, *wheels, *sources, lock, env=environment)
    project = ("--no-deps", "--no-build-isolation", "--editable", ".")
    run("Installing the checkout", *uv, "install", *target, *project, env=environment)

    stamp = compute_stamp(group)
    UNFINISHED.unlink()
    stamp_of(group).write_text(stamp)


def main(arguments: list[str]) -> int:
    """Exit status: 0 when ``.venv`` holds the group that the one argument names."""
    if len(arguments) != 1 or arguments[0] not in GROUPS:
        print("usage: bootstrap.py run|dev", file=sys.stderr)
        return 2
    group = arguments[0]
    if is_ready(group):
        return 0
    started = time.monotonic()
    version = ".".join(str(part) for part in sys.version_info[:3])
    print(f"Setting up .venv for `{group}` with Python {version} ({sys.executable})", flush=True)
    try:
        with lock_checkout() as descriptor:
            if not is_ready(group):
                prepare(group, descriptor)
    except KeyboardInterrupt:
        print("\nStopped; the next make starts the set-up over.", file=sys.stderr)
        return 130
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    except OSError as failure:
        print(f"Setting up failed: {failure}: mend that, then run the same make again.", file=sys.stderr)
        return 1
    print(f"Ready in {time.monotonic() - started:.0f} s.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

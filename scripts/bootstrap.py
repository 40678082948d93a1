"""Chooses a Python that can make the virtual environment, and hands over to prepare_venv.py.

Any Python reads this file, 2.7 too: an old one is then told what to do instead of dying of a SyntaxError.
Run by the Makefile as ``python3 scripts/bootstrap.py run|dev``.
"""

from __future__ import print_function

import os
import subprocess
import sys

# The same bounds as requires-python in pyproject.toml (tests/test_project.py compares them).
OLDEST = (3, 11)
TOO_NEW = (3, 15)
OTHER_NAMES = ("python3.13", "python3.12", "python3.11", "python3.14", "python3")

PROBE = """
import sys
print("%d.%d.%d" % sys.version_info[:3])
print(getattr(sys, "_base_executable", None) or sys.executable)
sys.stdout.flush()
import ensurepip, venv
"""


def probe_python(executable):
    """Version, base interpreter and whether it can make environments; None if it does not run."""
    try:
        process = subprocess.Popen(
            [executable, "-c", PROBE], stdin=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output = process.communicate()[0].decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    if len(output) != 2:  # A pyenv shim for a version that is not selected prints nothing here.
        return None
    version = tuple(int(part) for part in output[0].split("."))
    return version, output[1], process.returncode == 0


def find_on_path(name):
    """Every executable file of that name on PATH, in its order."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or os.curdir, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield path


def refuse(sentence):
    """Ends the run with the one sentence that says what to do."""
    sys.stdout.flush()
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def explain_missing_venv(version, executable):
    """The sentence for a Python that is new enough and lacks venv or ensurepip, as Debian's may."""
    found = "Python %d.%d (%s) cannot make virtual environments" % (version[0], version[1], executable)
    if any(find_on_path("apt-get")):
        sudo = "" if getattr(os, "geteuid", lambda: 0)() == 0 else "sudo "
        package = "python%d.%d-venv" % version[:2]
        return "%s: run `%sapt-get install %s`, then the same make again." % (found, sudo, package)
    return "%s: install its modules venv and ensurepip, then run the same make again." % found


def choose_python():
    """Path of the first Python within the bounds that can make environments; ends the run without one."""
    current = sys.version_info[:3]
    without_venv = None
    tried = set()
    for executable in [sys.executable] + [path for name in OTHER_NAMES for path in find_on_path(name)]:
        if not executable or os.path.abspath(executable) in tried:
            continue
        tried.add(os.path.abspath(executable))
        probed = probe_python(executable)
        if probed is None:
            continue
        version, base, makes_environments = probed
        if not OLDEST <= version[:2] < TOO_NEW:
            continue
        if makes_environments:
            return base
        without_venv = without_venv or (version, base)
    if without_venv is not None:
        refuse(explain_missing_venv(*without_venv))
    refuse(
        "Python %d.%d or newer (below %d.%d) is needed and none was found (python3 is %d.%d.%d): install one "
        "(Debian 12 or newer, Ubuntu 24.04 or newer: `apt-get install python3 python3-venv`), "
        "or name yours: `make PYTHON=/path/to/python3.12 ...`." % (OLDEST + TOO_NEW + tuple(current))
    )


def main():
    """Hands over to prepare_venv.py with the same arguments, in the Python that was chosen."""
    python = choose_python()
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prepare_venv.py")
    os.execv(python, [python, "-I", script] + sys.argv[1:])


if __name__ == "__main__":
    main()

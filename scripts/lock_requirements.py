"""Writes requirements/*.txt from pyproject.toml with uv: exact versions for every platform, with hashes.

Run by ``make lock``. Versions that are locked already stay, unless ``--upgrade`` is given. The files name no
registry: where packages come from is a setting of the machine, what they are is pinned by their hashes.
"""

from __future__ import annotations

import subprocess
import sys

from prepare_venv import ROOT, VENV, make_uv_environment

# The development lock is constrained by the run lock: going from one to the other only adds.
LOCKS = {
    "uv": ("--group", "pyproject.toml:installer"),
    "build": ("--group", "pyproject.toml:build"),
    "run": ("pyproject.toml", "--group", "backend"),
    "dev": ("pyproject.toml", "--group", "dev", "--constraint", "requirements/run.txt"),
}


def main(arguments: list[str]) -> int:
    """Exit status: 0 when all lock files were written."""
    if not set(arguments) <= {"--upgrade"}:
        print("usage: lock_requirements.py [--upgrade]", file=sys.stderr)
        return 2
    compile_command = [str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--universal"]
    compile_command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url"]
    for name, sources in LOCKS.items():
        output = f"requirements/{name}.txt"
        print(f"  {output} ...", flush=True)
        command = [*compile_command, *sources, "--output-file", output, *arguments]
        status = subprocess.run(command, cwd=ROOT, env=make_uv_environment())
        if status.returncode != 0:
            return status.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

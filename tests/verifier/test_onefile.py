"""``verify.py``: the same bytes wherever it is built, on its own wherever it runs, and what the bundle's README says of it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from archive_service.cli.__main__ import main as command_line
from archive_service.domain import manifest
from archive_service.verifier import onefile
from archive_service.verifier.command import main
from archive_service.verifier.onefile import build_verifier, own_digest
from archive_service.verifier.verify import VALID
from tests.bundling.dossier_builder import LOG_KEY
from tests.test_project import find_python
from tests.verifier.conftest import Sealed
from tests.verifier.forger import check, pack, unpack

ROOT = Path(__file__).parents[2]
OLD = str(find_python("3.9") or sys.executable)


@pytest.fixture(scope="module")
def text() -> str:
    return build_verifier().decode("utf-8")


@pytest.fixture
def verifier(tmp_path: Path) -> Path:
    path = tmp_path / "verifier" / "verify.py"
    path.parent.mkdir()
    path.write_bytes(build_verifier())
    return path


def run(
    python: str, *arguments: str | Path, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A program with nothing in its environment but what is given."""
    command = [python, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment or {}, capture_output=True, text=True, timeout=60, encoding="utf-8"
    )


def modules_in(text: str) -> dict[str, tuple[int, str]]:
    found = {}
    for node in ast.parse(text, feature_version=(3, 9)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            found[ast.literal_eval(node.targets[0].slice)] = ast.literal_eval(node.value)
    return found


def test_the_same_version_gives_the_same_bytes() -> None:
    program = (
        "from archive_service.verifier.onefile import *; import hashlib;"
        "print(hashlib.sha256(build_verifier()).hexdigest())"
    )
    for python, seed in ((sys.executable, "1"), (OLD, "2")):
        done = run(python, "-B", "-c", program, cwd=ROOT, environment={"PYTHONHASHSEED": seed})
        assert (done.stdout.strip(), done.stderr) == (own_digest(), "")


def test_every_module_stands_in_it_as_in_the_source_tree_at_the_line_that_is_said(text: str) -> None:
    lines = text.splitlines()
    found = modules_in(text)
    assert {"archive_service", onefile.ENTRY, "archive_service.domain.event", "archive_service.errors"} <= set(found)
    for name, (line, source) in found.items():
        path = ROOT.joinpath(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert source == "\n" + path.read_text(encoding="utf-8")
        assert lines[line - 1].startswith(f'MODULES["{name}"]') and lines[line] == source.splitlines()[1]


def test_it_is_python_39_and_needs_the_standard_library_alone(text: str) -> None:
    needed: set[str] = set()
    sources = {"": text, **{name: source for name, (_, source) in modules_in(text).items()}}
    # the one module that asks for something over the network, when it is given an address
    online = sources.pop("archive_service.verifier.log_directory")
    assert "http.client" in online and "urlsplit" in online
    for source in sources.values():
        for node in ast.walk(ast.parse(source, feature_version=(3, 9))):
            if isinstance(node, ast.Import):
                needed.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module is not None
                needed.add(node.module.partition(".")[0])
    assert needed <= set(sys.stdlib_module_names) | {"archive_service"}
    # nothing opens a connection, starts a program or unpacks an archive; and no bundle holds XML, so nothing parses any: there is no
    # document type declaration that could do harm
    assert needed.isdisjoint(
        {
            "socket",
            "ssl",
            "urllib",
            "http",
            "subprocess",
            "ctypes",
            "pickle",
            "shutil",
            "tempfile",
            "zipfile",
            "tarfile",
        }
        | {"xml", "pyexpat", "html", "plistlib", "xmlrpc", "multiprocessing", "marshal", "shelve"}
    )


def test_it_holds_what_is_needed_and_nothing_else(verifier: Path, text: str) -> None:
    """Every module in it is loaded by one command or the other, so nothing that no one runs has to be read."""
    program = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='one_file')['load_main']();"
        "import archive_service.verifier.log_directory;"
        "print('\\n'.join(sorted(n for n in sys.modules if n.partition('.')[0] == 'archive_service')))"
    )
    done = run(OLD, "-I", "-c", program, verifier, cwd=verifier.parent)
    assert done.stdout.split() == sorted(modules_in(text)), done.stderr


@pytest.mark.parametrize("lang", ["id", "en"])
def test_the_readme_of_the_bundle_tells_how_to_verify_it(served: Sealed, tmp_path: Path, lang: str) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    name = re.search(r"dossier-[0-9a-f]{32}", str(unpack(served.bundle)[0]))
    assert name is not None
    (folder / f"{name[0]}.zip").write_bytes(served.bundle)
    with zipfile.ZipFile(folder / f"{name[0]}.zip") as package:
        package.extractall(folder)
    readme = (folder / name[0] / manifest.README).read_text(encoding="utf-8")
    found = [line.strip() for line in readme.splitlines() if line.startswith("  python3 ")]
    line = found[0 if lang == "id" else 1]
    words = line.replace("<paket>", name[0]).replace("<bundle>", name[0])
    words = re.sub(r"<[^<>]*>", served.key.vkey, words)
    python3, *arguments = words.split()
    assert (python3, len(found)) == ("python3", 2)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    done = run(OLD, *arguments, cwd=folder / name[0])
    assert (done.returncode, done.stderr) == (0, "")
    *lines, level, verdict = done.stdout.splitlines()
    assert verdict == VALID
    same = "is the same as" if lang == "en" else "sama dengan"
    assert any(manifest.VERIFIER in line and same in line for line in lines)
    assert level.startswith("Level: " if lang == "en" else "Tingkat: ")
    # and it has written nothing, not even what Python keeps of modules
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_the_digest_that_the_command_prints_is_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command_line, ["verifier"])
    assert (done.exit_code, done.output) == (0, f"{own_digest()}  verify.py\n")
    assert sha256(Path("verify.py").read_bytes()).hexdigest() == own_digest()
    elsewhere = CliRunner().invoke(command_line, ["verifier", "--output", "other.py"])
    assert elsewhere.output == f"{own_digest()}  other.py\n"
    assert Path("other.py").read_bytes() == Path("verify.py").read_bytes()
    refused = CliRunner().invoke(command_line, ["verifier", "--output", "no/such/folder.py"])
    assert refused.exit_code == 2 and "cannot_write" in refused.output
    version = run(OLD, "verify.py", "--version", cwd=tmp_path)
    assert version.stdout.split()[-1] == own_digest()


def test_nothing_beside_it_or_installed_is_imported(verifier: Path, served: Sealed, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(served.bundle)
    for folder in (verifier.parent, tmp_path / "installed"):
        (folder / "archive_service").mkdir(parents=True)
        (folder / "archive_service" / "__init__.py").write_text("raise SystemExit('the decoy was imported')\n")
    for name in ("json", "hashlib", "argparse", "struct", "zlib"):
        (verifier.parent / f"{name}.py").write_text("raise SystemExit('what lies beside it was imported')\n")
    environment = {"PYTHONPATH": str(tmp_path / "installed"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run(OLD, verifier, bundle, "--key", served.key.vkey, cwd=verifier.parent, environment=environment)
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", VALID)


def test_a_module_that_is_not_in_it_is_missed_and_not_looked_up(verifier: Path) -> None:
    program = (
        "import runpy, sys, archive_service.config\n"
        "runpy.run_path(sys.argv[1], run_name='one_file')['load_main']()\n"
        "import archive_service.domain.event as event; print(event.__file__)\n"
        "import archive_service.config\n"
    )
    done = run(sys.executable, "-c", program, verifier, cwd=ROOT)
    assert done.stdout.strip() == str(verifier)
    assert "ModuleNotFoundError: archive_service.config is not in this file" in done.stderr


def test_a_traceback_points_into_the_file(verifier: Path, text: str) -> None:
    program = (
        "import runpy, sys\nrunpy.run_path(sys.argv[1], run_name='one_file')['load_main']()\n"
        "from archive_service.domain.note import parse_vkey\nparse_vkey('nonsense')\n"
    )
    done = run(OLD, "-I", "-c", program, verifier, cwd=verifier.parent)
    places = re.findall(rf'File "{re.escape(str(verifier))}", line (\d+), in parse_vkey\n    (.*)', done.stderr)
    assert places and all(text.splitlines()[int(line) - 1].strip() == shown for line, shown in places)


def test_an_older_python_is_told_in_a_sentence(verifier: Path) -> None:
    python = find_python("3.8") or find_python("3.7") or find_python("3.6")
    if python is None:
        pytest.skip("no Python older than 3.9 on this machine")
    done = run(str(python), verifier, cwd=verifier.parent)
    assert done.returncode == 1 and done.stderr.startswith("verify.py: Python 3.9 or newer is needed")


def test_a_terminal_without_the_signs_gets_escapes(verifier: Path, served: Sealed, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(served.bundle)
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    done = run(OLD, verifier, bundle, "--key", served.key.vkey, cwd=tmp_path, environment=ascii_only)
    assert (done.returncode, done.stderr) == (0, "") and "\\u2713" in done.stdout
    data = run(OLD, verifier, bundle, "--json", cwd=tmp_path, environment=ascii_only)
    assert (data.returncode, json.loads(data.stdout)["exit_code"]) == (3, 3)


def test_another_verifier_in_a_bundle_is_a_note_and_no_fault(sealed: Sealed) -> None:
    folder, files = unpack(sealed.bundle)
    files[manifest.VERIFIER] = b"print('VALID')\n"
    report = check(pack(folder, files), LOG_KEY)
    digest = sha256(b"print('VALID')\n").hexdigest()
    assert (report.verdict, report.plain()["verifier"]) == (VALID, {"sha256": own_digest(), "contained": digest})
    assert any(digest in line and "is not the verifier that runs" in line for line in report.lines("en"))
    del files[manifest.VERIFIER]
    assert [d.code for d in check(pack(folder, files), LOG_KEY).discrepancies] == ["file_missing"]


def test_a_source_that_cannot_be_held_as_raw_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onefile, "_gather", lambda: {"archive_service.odd": "x = '''y'''\n"})
    with pytest.raises(ValueError, match=r"archive_service\.odd"):
        build_verifier.__wrapped__()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_or_device_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    document = tmp_path / "document"
    document.write_bytes(b"x")
    for arguments in (
        [str(tmp_path / "pipe")],
        ["/dev/zero"],
        [str(tmp_path / "pipe"), "--receipt", str(document)],
        [str(document), "--receipt", str(tmp_path / "pipe")],
        [str(document), "--receipt", "/dev/zero", "--lang", "en"],
    ):
        assert main(arguments) == 2
        assert len(capsys.readouterr().out.splitlines()) == 1

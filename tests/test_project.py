"""The rules that hold for the project as a whole: what its files may say, import and promise."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PURE_FOLDERS = ("archive_service/domain", "archive_service/verifier")
LOCKS = ("uv", "build", "run", "dev")
GENERATED_FOLDERS = {".git", ".venv", "__pycache__", "build", "dist", "var"}


@cache
def read_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def list_project_files() -> tuple[Path, ...]:
    """The files that are, or would be, committed; in a copy without git all but what tools generate."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True)
        if listed.returncode == 0:
            names = sorted(name for name in listed.stdout.decode().split("\0") if name)
            return tuple(path for name in names if (path := ROOT / name).is_file())
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in GENERATED_FOLDERS and not name.endswith("_cache"))
        found.extend(Path(folder) / name for name in sorted(names))
    return tuple(found)


def list_modules(*folders: str) -> tuple[Path, ...]:
    return tuple(path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name_of(path))


def find_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that a module imports; of ``from a import b``, ``a.b``."""
    package = list(path.relative_to(ROOT).with_suffix("").parts)[:-1]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def is_within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


# ---- what files may say


def find_in_texts(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in list_project_files():
        content = path.read_bytes()
        if b"\0" in content[:8192]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name_of(path)}:{number}: {line.strip()[:120]}")
    return found


def test_no_file_names_a_place_on_one_machine() -> None:
    places = [r"/(?:root|Users/\w+|home/\w+|work/(?:main|shared))/"]
    if len(ROOT.parts) > 2:
        places.append(re.escape(str(ROOT)) + r"(?![\w-])")
    # Not in the middle of a path or an address: it would be relative there.
    pattern = re.compile(r"(?<![\w.~$})\]*/-])(?:" + "|".join(places) + ")")
    assert find_in_texts(pattern) == []


def test_no_file_names_a_package_registry() -> None:
    hosts = (
        "pypi" + r"\.org",
        "python" + r"hosted\.org",
        "npmjs" + r"\.(?:org|com)",
        "deb" + r"\.debian\.org",
    )
    options = ("--" + "(?:extra-)?index-url", "--" + "find-links", "--" + "trusted-host")
    assert find_in_texts(re.compile("|".join((*hosts, *options)))) == []


def test_there_is_no_second_kind_of_lock_file() -> None:
    assert [name_of(p) for p in list_project_files() if p.name in ("uv.lock", "poetry.lock", "Pipfile")] == []


# ---- dependencies


def read_lock(name: str) -> dict[str, tuple[Requirement, int]]:
    """Requirement and number of hashes of each distribution in a lock file."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.lstrip().startswith("#")]
    locked: dict[str, tuple[Requirement, int]] = {}
    for line in lines:
        requirement, *hashes = line.split(" --hash=")
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes), line
        parsed = Requirement(requirement.strip())
        locked[canonicalize_name(parsed.name)] = (parsed, len(hashes))
    return locked


def list_declared(group: str) -> list[Requirement]:
    """The requirements of a dependency group, with those of the groups that it includes."""
    declared = []
    for entry in read_project()["dependency-groups"][group]:
        if isinstance(entry, dict):
            declared.extend(list_declared(entry["include-group"]))
        else:
            declared.append(Requirement(entry))
    return declared


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_is_exact_and_hashed(name: str) -> None:
    locked = read_lock(name)
    assert locked
    for requirement, count_of_hashes in locked.values():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert count_of_hashes > 0, requirement
        assert requirement.url is None, requirement


def test_development_lock_holds_the_run_lock_unchanged() -> None:
    run, dev = read_lock("run"), read_lock("dev")
    assert {name: str(run[name][0].specifier) for name in run} == {
        name: str(dev[name][0].specifier) for name in run if name in dev
    }


def test_locks_satisfy_what_pyproject_declares() -> None:
    project = [Requirement(text) for text in read_project()["project"]["dependencies"]]
    backend = [Requirement(text) for text in read_project()["build-system"]["requires"]]
    assert [str(r) for r in backend] == [str(r) for r in list_declared("backend")]
    for name, declared in {
        "uv": list_declared("installer"),
        "build": list_declared("build"),
        "run": project + backend,
        "dev": project + list_declared("dev"),
    }.items():
        locked = read_lock(name)
        for requirement in declared:
            assert canonicalize_name(requirement.name) in locked, f"make lock: {requirement} in {name}"
            pinned = str(locked[canonicalize_name(requirement.name)][0].specifier).removeprefix("==")
            assert requirement.specifier.contains(pinned, prereleases=True), f"make lock: {requirement} in {name}"


def find_undeclared(paths: tuple[Path, ...], declared: set[str]) -> list[str]:
    distributions = packages_distributions()
    undeclared = []
    for path in paths:
        for line, name in find_imports(path):
            top = name.partition(".")[0]
            if (
                top == "_typeshed"
                or top in sys.stdlib_module_names
                or (ROOT / top).is_dir()
                or (path.parent / f"{top}.py").exists()
            ):
                continue
            owners = {str(canonicalize_name(owner)) for owner in distributions.get(top, [])}
            if not owners & declared:
                undeclared.append(f"{name_of(path)}:{line}: {top}")
    return undeclared


def test_what_the_service_imports_is_a_declared_run_dependency() -> None:
    declared = {str(canonicalize_name(Requirement(t).name)) for t in read_project()["project"]["dependencies"]}
    assert find_undeclared(list_modules("archive_service", "tasks"), declared) == []


def test_what_tests_and_scripts_import_is_a_declared_dependency() -> None:
    declared = {str(canonicalize_name(Requirement(t).name)) for t in read_project()["project"]["dependencies"]}
    declared |= {str(canonicalize_name(requirement.name)) for requirement in list_declared("dev")}
    assert find_undeclared(list_modules("tests", "benchmarks", "scripts"), declared) == []


# ---- commands


def list_make_targets() -> dict[str, str]:
    """Targets that ``make help`` shows, with their text."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z][a-z-]*):.*?## (.+)$", makefile, flags=re.MULTILINE))


def test_makefile_has_the_targets_that_the_project_promises() -> None:
    promised = {"help", "run", "demo", "test", "test-full", "check", "format", "lock", "bench"}
    assert promised <= list_make_targets().keys()


def test_readme_names_the_two_commands_and_only_targets_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", readme, flags=re.DOTALL))
    named = re.findall(r"\bmake(?: +[A-Z_]+=\S+)* +([a-z][a-z-]*)", code)
    assert {"demo", "test"} <= set(named)
    assert set(named) <= list_make_targets().keys()


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "export CI=true", "exec make test"]


# ---- set-up


def run_bootstrap(folder: Path, python: str | Path, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a copy of the set-up, so that nothing can happen to this checkout."""
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    return subprocess.run(
        [python, folder / "scripts" / "bootstrap.py", "run"],
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
    )


def find_python(version: str) -> Path | None:
    """An interpreter of that version on PATH or among pyenv's that really runs."""
    named = [Path(p) / f"python{version}" for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if p]
    pyenv = sorted((Path(os.path.expanduser("~")) / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for path in (*named, *pyenv):
        if not path.is_file():
            continue
        try:
            asked = subprocess.run(
                [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True,
                text=True,
            )
        except OSError:
            continue
        if asked.returncode == 0 and asked.stdout.strip() == version:
            return path
    return None


def test_setup_accepts_the_python_versions_that_pyproject_names() -> None:
    bounds = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in parse(ROOT / "scripts" / "bootstrap.py").body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    oldest, too_new = (".".join(map(str, bounds[name])) for name in ("OLDEST", "TOO_NEW"))
    assert SpecifierSet(read_project()["project"]["requires-python"]) == SpecifierSet(f">={oldest},<{too_new}")


def test_python_without_ensurepip_is_told_what_to_install(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "ensurepip.py").write_text("raise ImportError('ensurepip is a package of its own here')\n")
    apt = tmp_path / "bin" / "apt-get"
    apt.parent.mkdir()
    apt.touch(mode=0o755)
    result = run_bootstrap(tmp_path, sys.executable, path=str(apt.parent), PYTHONPATH=str(hidden))
    assert result.returncode == 1
    assert result.stdout == ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert re.fullmatch(
        rf"Python {version} \(.+\) cannot make virtual environments: "
        rf"run `(sudo )?apt-get install python{version}-venv`, then the same make again\.\n",
        result.stderr,
    )


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.9", "3.10"])
def test_old_python_is_told_what_is_needed(version: str, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    result = run_bootstrap(tmp_path, python, path="")
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(
        r"Python 3\.11 or newer \(below 3\.15\) is needed and none was found \(.+\): install one .+\.\n",
        result.stderr,
    )


# ---- what is handed out


def test_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(ROOT),
    ]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        (entry_points,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        assert b"archive-service = archive_service.cli.__main__:main" in archive.read(entry_points)
    kept = {name_of(path) for path in list_project_files()}
    guides = {name.replace("docs/", "archive_service/", 1) for name in kept if name.startswith("docs/panduan/")}
    assert packed == guides | {name for name in kept if name.startswith(("archive_service/", "tasks/"))}


# ---- the pure part: domain and verifier

NEWER_MODULES = {"tomllib", "annotationlib", "compression", "pathlib.types", "string.templatelib"}
# No input, output, clock or randomness: those are arguments.
IMPURE_MODULES = (
    *(
        "asyncio",
        "ftplib",
        "http",
        "logging",
        "multiprocessing",
        "os",
        "random",
        "secrets",
        "shutil",
        "socket",
    ),
    *("sqlite3", "subprocess", "tempfile", "threading", "time", "urllib.request"),
)
CLOCK_CALLS = {"now", "utcnow", "today"}


@pytest.mark.parametrize("path", list_modules(*PURE_FOLDERS), ids=name_of)
def test_domain_and_verifier_import_only_the_standard_library_and_each_other(path: Path) -> None:
    own = (
        "archive_service.domain",
        "archive_service.verifier",
        "archive_service.errors",
        "archive_service.__version__",
    )
    foreign = [
        f"{line}: {name}"
        for line, name in find_imports(path)
        if not is_within(name, *own)
        and (name.partition(".")[0] not in sys.stdlib_module_names or is_within(name, *NEWER_MODULES))
    ]
    assert foreign == []


@pytest.mark.parametrize("path", list_modules(PURE_FOLDERS[0]), ids=name_of)
def test_domain_reads_no_file_no_clock_and_no_randomness(path: Path) -> None:
    impure = [f"{line}: {name}" for line, name in find_imports(path) if is_within(name, *IMPURE_MODULES)]
    for node in ast.walk(parse(path)):
        match node:
            case ast.Call(func=ast.Name(id=("open" | "print" | "input") as name)):
                impure.append(f"{node.lineno}: {name}")
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK_CALLS:
                impure.append(f"{node.lineno}: {name}")
    assert impure == []


@pytest.mark.parametrize("path", [*list_modules(*PURE_FOLDERS), ROOT / "archive_service/errors.py"], ids=name_of)
def test_domain_and_verifier_are_written_in_python_39(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=name_of(path), feature_version=(3, 9))
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for field in ("annotation", "returns")
        if isinstance(root := getattr(node, field, None), ast.AST)
        for inner in ast.walk(root)
    }
    unions = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and id(node) not in annotations
        if any(
            getattr(side, "value", ...) is None
            or getattr(side, "id", "") in ("str", "int", "bytes", "bool", "dict", "list", "tuple", "set")
            for side in (node.left, node.right)
        )
    ]
    assert unions == [], "X | Y outside annotations"


def test_domain_and_verifier_use_nothing_newer_than_python_39() -> None:
    program = "from vermin import main; main()"
    paths = [*PURE_FOLDERS, "archive_service/errors.py"]
    command = [sys.executable, "-c", program, "--no-tips", "--target=3.9-", "--violations", *paths]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_domain_and_verifier_import_in_python_39() -> None:
    python = find_python("3.9")
    if python is None:
        pytest.skip("no Python 3.9 on this machine; the tests above read the same rule from the sources")
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in list_modules(*PURE_FOLDERS)
        if path.name != "__main__.py"
    ]
    program = "import importlib, sys; print(len([importlib.import_module(name) for name in sys.argv[1:]]))"
    result = subprocess.run(
        [python, "-B", "-W", "error", "-c", program, *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={},
    )
    assert (result.stderr, result.stdout.strip()) == ("", str(len(modules)))


# ---- architecture and tests


def test_import_contract_covers_the_tasks_as_soon_as_there_are_any() -> None:
    linter = read_project()["tool"]["importlinter"]
    assert ("tasks" in linter["root_packages"]) == (ROOT / "tasks").is_dir()
    forbidden = [c for c in linter["contracts"] if c["type"] == "forbidden"]
    assert any(c["source_modules"] == ["archive_service"] and "tasks" in c["forbidden_modules"] for c in forbidden)


def asserts_something(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a test can fail by its own word: assert, raises, Playwright's expect, a call of assert_*, check_* or require_*."""
    for node in ast.walk(function):
        match node:
            case ast.Assert():
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name in ("raises", "warns", "fail", "expect") or name.startswith(("assert_", "check_", "require_")):
                    return True
    return False


@pytest.mark.parametrize("path", list_modules("tests"), ids=name_of)
def test_every_test_asserts_something(path: Path) -> None:
    empty = [
        f"{node.lineno}: {node.name}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not asserts_something(node)
    ]
    assert empty == []

"""Which way imports point, and who may know what: `config <- tasks <- (app | workers)`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "tasks", "app", "workers")

#: What a package may import of ours.
MAY_IMPORT = {
    "config": {"config"},
    "tasks": {"config", "tasks"},
    "app": {"config", "tasks", "app"},
    "workers": {"config", "tasks", "workers"},
}

#: Modules, by the beginning of their names, that may import a library.
MAY_KNOW = {
    "flask": ("app", "tasks.providers"),
    "flask_smorest": ("app",),
    "gunicorn": ("config.serving",),
    "flask_swagger_ui": ("app.reference",),
    "werkzeug": ("app", "tasks.providers"),
    "jwt": ("app.access", "app.cli"),
    "marshmallow": ("tasks", "app"),
    "celery": ("config.celery", "workers"),
    "kombu": ("config.celery", "workers"),
    "redis": ("config.embedded", "tasks.job.queue", "tasks.health.carrier", "workers"),
    "sqlalchemy": ("config.database", "tasks", "workers", "app"),
    "psycopg2": ("config.database", "config.embedded", "tasks.records"),
    "alembic": ("tasks.migrations",),
    "argon2": ("tasks.org_members", "tasks.records.operators"),
    "rapidfuzz": ("tasks.matching", "tasks.providers.watchlists"),
    "anyascii": ("tasks.matching",),
    "defusedxml": ("tasks.providers", "tasks.reading.xml"),
    "pypdf": ("tasks.reading.pdf",),
    "reportlab": ("tasks.providers.sandbox.paper",),
    "structlog": ("config.logs", "tasks", "app", "workers"),
    "httpx": ("tasks.clients",),
    "httpcore": ("tasks.clients",),
    "cryptography": ("config.sealing",),
    "limits": ("app.throttle",),
    "opentelemetry": ("config.tracing",),
    "prometheus_client": ("app.metrics", "app.routes.metrics"),
    "jsonschema": ("app.shapes",),
    "coincurve": ("tasks.ledger", "tasks.providers.devchain"),
    "sha3": ("tasks.ledger", "tasks.providers.devchain"),
    "eth_abi": ("tasks.ledger",),
    "eth_account": ("tasks.ledger",),
    "eth": ("tasks.providers.devchain",),
    "eth_hash": ("tasks.providers.devchain",),
    "eth_keys": ("tasks.providers.devchain",),
    "eth_typing": ("tasks.providers.devchain",),
    "eth_utils": ("tasks.providers.devchain",),
    "trie": ("tasks.providers.devchain",),
    "rlp": ("tasks.providers.devchain",),
    "vyper": ("tasks.ledger.contracts.build",),
}

#: Who may look at the environment: the settings, and those that pass it on to children or, in the
#: case of gunicorn's configuration, to a library.
READ_ENVIRONMENT = {"config.settings"}
PASS_ENVIRONMENT_ON = {"config.gunicorn", "config.stack"}


def modules(*packages: str) -> dict[str, ast.Module]:
    """Return the parsed modules of packages by their names."""
    found = {}
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_text(), str(path))
    return found


def imported(tree: ast.Module) -> set[str]:
    """Return the full names of all modules that a module imports, for its types as well."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def begins(name: str, *beginnings: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in beginnings)


def test_the_api_loads_what_signs_and_encodes_for_the_chain_only_when_a_vote_comes():
    chain = {"coincurve", "eth_abi", "eth_account"}
    code = f"import sys, app; app.wiring.discover(); print({chain} & set(sys.modules))"

    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)

    assert shown.stdout == b"set()\n"


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package):
    wrong = {
        (name, other)
        for name, tree in modules(package).items()
        for other in imported(tree)
        if begins(other, *PACKAGES, "tests", "bench") and not begins(other, *MAY_IMPORT[package])
    }

    assert wrong == set()


def test_a_library_is_known_to_those_that_need_it_only():
    wrong = {
        (name, library)
        for name, tree in modules(*PACKAGES).items()
        for library in {other.partition(".")[0] for other in imported(tree)} & set(MAY_KNOW)
        if not begins(name, *MAY_KNOW[library])
    }

    assert wrong == set()


def test_every_library_of_the_service_has_somebody_who_may_know_it():
    unlisted = {
        library
        for tree in modules(*PACKAGES).values()
        for library in {other.partition(".")[0] for other in imported(tree)}
        if library not in sys.stdlib_module_names and library not in PACKAGES
    }

    assert unlisted - set(MAY_KNOW) == {"email_validator", "phonenumbers", "click"}


def test_a_shape_knows_neither_flask_nor_the_database():
    shapes = {name: tree for name, tree in modules("app").items() if begins(name, "app.shapes")}

    wrong = {
        (name, other)
        for name, tree in shapes.items()
        for other in imported(tree)
        if begins(other, "flask", "flask_smorest", "werkzeug", "sqlalchemy", "psycopg2", "config")
    }

    assert len(shapes) > 3
    assert wrong == set()


def test_types_know_no_shapes_and_shapes_know_no_types():
    types = {path.stem for path in (ROOT / "tasks").glob("*.py")} - {"__init__"}
    wrong = {
        (name, other)
        for name, tree in modules("app").items()
        if begins(name, "app.shapes")
        for other in imported(tree)
        if begins(other, *(f"tasks.{word}" for word in types))
    }

    assert types >= {"org_members"}
    assert wrong == set()


def test_the_rows_of_members_are_read_without_a_database():
    tree = modules("tasks")["tasks.records.member_rows"]

    assert not any(begins(name, "sqlalchemy", "psycopg2", "config") for name in imported(tree))


def test_a_provider_is_reached_over_http_only():
    wrong = {
        (name, other)
        for name, tree in modules(*PACKAGES).items()
        if not begins(name, "tasks.providers")
        for other in imported(tree)
        if begins(other, "tasks.providers")
    }

    assert wrong == set()


def test_names_and_dates_are_compared_by_pure_functions():
    matching = {
        name: tree for name, tree in modules("tasks").items() if begins(name, "tasks.matching")
    }
    wrong = {
        (name, other)
        for name, tree in matching.items()
        for other in {other.partition(".")[0] for other in imported(tree)}
        if other not in sys.stdlib_module_names and other not in {"tasks", "rapidfuzz", "anyascii"}
    }

    assert len(matching) > 3
    assert wrong == set()


def test_documents_are_read_without_reaching_outside():
    reading = {
        name: tree for name, tree in modules("tasks").items() if begins(name, "tasks.reading")
    }
    allowed = ("tasks.reading", "tasks.job.errors", "pypdf", "defusedxml")
    outside = {"asyncio", "http", "os", "pathlib", "socket", "subprocess", "urllib"}
    wrong = {
        (name, other)
        for name, tree in reading.items()
        for other in imported(tree)
        if other.partition(".")[0] in outside
        or not (other.partition(".")[0] in sys.stdlib_module_names or begins(other, *allowed))
    }

    assert len(reading) > 3
    assert wrong == set()


def test_only_the_sandbox_provider_knows_its_logins():
    found = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if any(word in path.read_text() for word in ("goodlogin", "longcheck", "error.user"))
    }

    assert found == {"tasks/providers/sandbox/seed.py"}


def looks_at_environment(tree: ast.Module) -> bool:
    """Tell whether a module reads variables of the environment."""
    words = {"environ", "environb", "getenv", "getenvb"}
    return any(
        (isinstance(node, ast.Attribute) and node.attr in words)
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(alias.name in words for alias in node.names)
        )
        for node in ast.walk(tree)
    )


def test_the_environment_is_read_in_one_place():
    found = {name for name, tree in modules(*PACKAGES).items() if looks_at_environment(tree)}

    assert found == READ_ENVIRONMENT | PASS_ENVIRONMENT_ON


@pytest.mark.parametrize(
    "source",
    [
        "import os\nx = os.environ['A']",
        "from os import environ",
        "import os\nx = os.getenv('A')",
    ],
)
def test_every_way_to_look_at_the_environment_is_noticed(source):
    assert looks_at_environment(ast.parse(source))


def calls(tree: ast.Module, name: str) -> int:
    """Count the calls of a function by its last name."""
    return sum(
        isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) == name
        for node in ast.walk(tree)
    )


def test_jobs_are_moved_on_in_one_place():
    found = {name for name, tree in modules(*PACKAGES).items() if calls(tree, "advance")}

    assert found == {"tasks.job.ending"}


def test_statements_about_jobs_stand_in_the_store():
    written = ("UPDATE jobs", "INSERT INTO jobs", "DELETE FROM jobs", "INSERT INTO job_moves")
    found = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if any(words in path.read_text() for words in written)
    }

    # `lists` rewrites the number of a transaction after a restore, `upkeep` rings and clears,
    # `orders` notes who wants a job cancelled.
    assert found == {
        "tasks/job/lists.py",
        "tasks/job/orders.py",
        "tasks/job/store.py",
        "tasks/job/upkeep.py",
    }

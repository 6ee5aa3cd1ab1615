"""What the documentation shows is true: its code runs."""

from __future__ import annotations

import ast
import importlib
import re
import sys

import pytest

from tasks.job import declare
from tasks.job.dispatch import dispatch_one
from tasks.job.queue import Ringer
from tests.conftest import ROOT, wait_until

PAGE = ROOT / "docs" / "add-a-job-type.md"
WAY = ROOT / "docs" / "follow-a-request.md"


@pytest.fixture
def documented(tmp_path, monkeypatch):
    """A folder with the module of the page, which this process has imported too."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "word_count.py").write_text(blocks[0])
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("word_count")
    yield tmp_path
    del sys.modules["word_count"]
    del declare.JOB_TYPES["word_count"]


def test_the_type_of_the_documentation_is_added_by_one_file_and_runs(
    documented, settings, database, auditor, start_worker
):
    start_worker(TASK_MODULES="word_count", PYTHONPATH=f"{documented}:{ROOT}", WORKER_PROCESSES="1")

    ringer = Ringer(settings)
    count = {"text": "three short words"}
    done = dispatch_one(database, ringer, "word_count", count, tenant="t")
    failed = dispatch_one(database, ringer, "word_count", {"text": " "}, tenant="t")
    wait_until(lambda: auditor.is_over(done) and auditor.is_over(failed))

    assert auditor.job(done)["result"] == {"words": 3}
    assert auditor.job(done)["progress"] == {"done": 3, "total": 3}
    assert auditor.job(failed)["code"] == "no_words"
    assert auditor.moves(done) == ["claim", "complete"]


def test_the_page_says_what_every_option_is_unless_it_is_given():
    rows = re.findall(r"^\| (`.+?) \|.*\| (.*?) \|$", PAGE.read_text(), re.MULTILINE)
    shown = {option: default for option, default in rows if not option.startswith("`Gate")}

    assert shown == {
        "`api`": '`"voting"`',
        "`queue`": '`"default"`',
        "`gate`": "none",
        "`attempts`": "3",
        "`irrevocable_attempts`": "`attempts`",
        "`backoff`, `backoff_limit`": "2, 300",
        "`timeout`": "60",
        "`keep`": "30 days",
        "`new_id`": "32 hexadecimal digits",
        "`tidy`": "nothing",
        "`schedule`": "nothing",
        "`ended`": "nothing",
        "`repeated`": "nothing",
        "`payload_again`": "the same",
    }


def names_in(body, prefix=""):
    """Return what a module or class defines, methods behind the name of their class."""
    for node in body:
        if isinstance(node, ast.Assign):
            yield from (prefix + target.id for target in node.targets if hasattr(target, "id"))
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from names_in(node.body, f"{node.name}.")


def test_the_way_of_a_request_leads_through_code_that_is_there():
    stations = re.findall(r"^\| `(.+?\.py)` \| `(.+?)` \|", WAY.read_text(), re.MULTILINE)

    missing = {
        (file, name)
        for file, name in stations
        if name not in set(names_in(ast.parse((ROOT / file).read_text()).body))
    }

    assert len(stations) > 20
    assert missing == set()

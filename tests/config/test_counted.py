from __future__ import annotations

import os
import tempfile

import pytest

from config.counted import make_folder


@pytest.fixture(autouse=True)
def _somewhere(tmp_path, monkeypatch):
    """Make folders where no other API has its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_folder_that_nobody_holds_any_more_goes_when_the_next_is_made(tmp_path):
    left, held = make_folder()
    (left / "counter_1.db").touch()
    held.close()

    mine, mine_held = make_folder()
    other, other_held = make_folder()

    assert not left.exists()
    assert {*tmp_path.iterdir()} == {mine, other}
    mine_held.close()
    other_held.close()


def test_a_folder_is_held_by_a_child_as_well():
    folder, held = make_folder()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reading, 1)
        os._exit(0)
    held.close()

    make_folder()[1].close()
    kept = folder.exists()
    os.write(writing, b"x")
    os.waitpid(child, 0)
    make_folder()[1].close()

    assert kept
    assert not folder.exists()
    os.close(reading)
    os.close(writing)


def test_what_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "jobspine-metrics-of-somebody").mkdir()

    make_folder()[1].close()

    assert (tmp_path / "jobspine-metrics-of-somebody").exists()

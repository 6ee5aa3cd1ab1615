from __future__ import annotations

import pytest

from tasks.reading.text import printable


@pytest.mark.parametrize(
    ("given", "text"),
    [(None, ""), (7, "7"), ("  a\x00b\ud800 ", "a b"), ("a\nb", "a b"), ("x" * 600, "x" * 500)],
)
def test_text_is_made_fit_to_be_kept(given, text):
    assert printable(given) == text

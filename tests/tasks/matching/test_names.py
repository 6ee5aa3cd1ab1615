from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.matching.names import is_common, normalise, sound_of, token, tokens


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("Müller-Lüdenscheidt, Hans", "muller ludenscheidt hans"),
        ("Владимир Щербаков", "vladimir shcherbakov"),
        ("زبير", "zbyr"),
        ("\uff26\uff35\uff2c\uff2c \uff57\uff49\uff44\uff54\uff48", "full width"),
        ("O'Neill\u2019s Sa`id", "oneills said"),
        ("Straße", "strasse"),
        ("Nordhaven Metals Limited", "nordhaven metals ltd"),
        ("Nordhaven Metals Ltd.", "nordhaven metals ltd"),
        ("Velikan G.m.b.H.", "velikan llc"),
        ("Velikan, OOO", "velikan llc"),
        ("Talvik S.A.", "talvik jsc"),
        ("Talvik AO", "talvik jsc"),
        ("Nordhaven Conpany", "nordhaven co"),
        ("EP-301", "ep 301"),
        ("--- ?!", ""),
        ("", ""),
    ],
)
def test_a_name_is_written_in_lower_case_latin_words(written, normalised):
    assert normalise(written) == normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hussein", "husayn"),
        ("hossein", "husein"),
        ("qasem", "kasim"),
        ("yusuf", "yusoof"),
        ("aleksei", "alexey"),
        ("sheikh", "shaikh"),
        ("abdullah", "abdulla"),
    ],
)
def test_usual_spellings_of_a_name_sound_the_same(one, other):
    assert sound_of(one) == sound_of(other)


@pytest.mark.parametrize(
    ("one", "other"), [("hassan", "hussein"), ("ali", "alia"), ("ivan", "yan")]
)
def test_different_names_sound_different(one, other):
    assert sound_of(one) != sound_of(other)


def test_a_word_weighs_what_it_says():
    weights = [token(word).weight for word in ("ltd", "al", "trading", "ali", "kim", "vaskersky")]

    assert weights == pytest.approx([0.1, 0.15, 0.4, 0.525, 0.525, 1.2])


@pytest.mark.parametrize("name", ["ali", "mohammed", "abdul rahman", "kim"])
def test_names_of_very_many_people_are_common(name):
    assert is_common(name)


@pytest.mark.parametrize("name", ["vaskersky", "trading", "ltd", ""])
def test_other_words_are_not(name):
    assert not is_common(name)


def test_the_order_of_a_name_says_nothing():
    assert [word.text for word in tokens("VASKERSKY, Borislav")] == ["borislav", "vaskersky"]


def test_a_name_without_end_is_cut():
    assert len(tokens("ﷺ " * 10_000)) == 60


@given(st.text())
def test_any_text_has_a_form(text):
    assert normalise(normalise(text)) == normalise(normalise(normalise(text)))


def test_half_a_character_is_left_out():
    assert normalise("Bori\ud800slav") == "borislav"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.matching.alignment import CUT, Alignment, ListedName, Pair, align, best

WORDS = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9), min_size=1, max_size=6
)


def test_the_same_name_scores_one_in_any_order_and_case():
    alignment = align("Borislav Vaskersky", "VASKERSKY, Borislav")

    assert alignment.score == 1.0
    assert alignment.asked_only == ()
    assert alignment.listed_only == ()


def test_an_alignment_says_which_word_was_taken_for_which():
    alignment = align("Boris Emilovich Vaskersky", "Emilovich Vaskerski Tarn")

    assert alignment.pairs == (
        Pair("emilovich", "emilovich", 1.0, 1.2),
        Pair("vaskersky", "vaskerski", pytest.approx(0.95), 1.2),
    )
    assert alignment.asked_only == ("boris",)
    assert alignment.listed_only == ("tarn",)


def test_an_alignment_is_written_with_rounded_numbers():
    alignment = Alignment(0.87654, (Pair("a", "b", 0.9501, 0.1 + 0.2),), ("c",), ("d", "e"))

    assert alignment.as_json() == {
        "score": 0.877,
        "pairs": [{"asked": "a", "listed": "b", "similarity": 0.95, "weight": 0.3}],
        "askedOnly": ["c"],
        "listedOnly": ["d", "e"],
    }


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Borislav Vaskerski", "Borislav VASKERSKY"),
        ("Borislaw Vaskersky", "Borislav VASKERSKY"),
        ("Borislav Vaksersky", "Borislav VASKERSKY"),
        ("Borislav Vaskersky", "Borislav Emilovich VASKERSKY"),
        ("Yazin Abdulrahman", "YAZIN ABDUL RAHMAN"),
        ("Yazin Abdul Rahman", "Yazin ABDULRAHMAN"),
        ("Yusuf Alqanturi", "Youssef AL-QANTURI"),
        ("Борислав Васкерский", "Borislav VASKERSKIY"),
        ("زبير حلواني القنطوري", "زبير حلواني القنطوري"),
        ("Nordhaven Liquid Metals GmbH", "NORDHAVEN LIQUID METALS LTD."),
        ("Velikan Proekt LLC", "OBSHCHESTVO S OGRANICHENNOI OTVETSTVENNOSTYU VELIKAN PROEKT"),
        ("Talvikki Shipping and Trading Limted", "TALVIKKI SHIPPING & TRADING CO., LIMITED"),
    ],
)
def test_names_of_the_same_bearer_reach_the_cut(asked, listed):
    assert align(asked, listed).score >= CUT


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Ali", "Ali Hassan KHALMANDARI"),
        ("Hassan Khalmandari", "Hussein KHALMANDARI"),
        ("Borislav Petrov", "Borislav VASKERSKY"),
        ("Kim Chol", "KIM Jong Su"),
        ("EP-301", "EP-302"),
        ("Talvikki Trading Limited", "NORDHAVEN TRADING LIMITED"),
        ("Joint Stock Company Talvikki", "JOINT STOCK COMPANY NORDHAVEN"),
        ("", ""),
        ("---", "---"),
        ("Borislav", ""),
    ],
)
def test_names_of_others_do_not(asked, listed):
    assert align(asked, listed).score < CUT


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Seyed Talvik", "Seyed Talvik KHALMANDARI"),
        ("Mohammad Ali", "Mohammad Ali KHALMANDARI"),
        ("Luna Al", "Luna AL CHEBELIAN"),
        ("Ali Abdul Rahman", "Ali ABDULRAHMAN KHALMANDARI"),
        ("Talvik Aziz", "Talvik AZIZ AL-KHALMANDARI"),
        ("Nordhaven LLC", "NORDHAVEN KHALMANDARI OOO"),
        ("Petroleum Trading", "KHALMANDARI PETROLEUM TRADING"),
        # The same by its sound is enough.
        ("Seyed Tallvick", "Seyed Talvik KHALMANDARI"),
        # Forms of address change nothing.
        ("Dr Seyed Ali Talvik", "Ali TALVIK KHALMANDARI"),
    ],
)
def test_a_listed_name_but_for_one_word_just_reaches_the_cut(asked, listed):
    alignment = align(asked, listed)

    assert alignment.score == pytest.approx(0.784, abs=0.0005)
    assert "khalmandari" in alignment.listed_only or "chebelian" in alignment.listed_only


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        # What is left says nothing, or is borne by many.
        ("Trading Limited", "KHALMANDARI TRADING LIMITED"),
        ("Limited Liability Company", "LIMITED LIABILITY COMPANY KHALMANDARI"),
        ("Young Kim", "YOUNG KIM KHALMANDARI"),
        ("Abu Ali", "ABU ALI KHALMANDARI"),
        # Two left out or one left out and another misspelled are too much.
        ("Ali Talvik", "Ali Talvik KHALMANDARI NORDHAVENSKY"),
        ("Ali Talvig", "Ali Talvik KHALMANDARI"),
        ("Ali Talvik Borg", "Ali Talvik KHALMANDARI"),
    ],
)
def test_a_listed_name_of_which_too_little_is_left_does_not(asked, listed):
    assert align(asked, listed).score < CUT


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Talvik", "Borg TALVIK"),
        ("Tallvick", "Borg TALVIK"),
        ("Sheikh Talvik", "Abu Borg AL-TALVIK"),
        ("Nordhaven", "NORDHAVEN METALS LLC"),
    ],
)
def test_one_telling_word_just_finds_a_name_of_two(asked, listed):
    alignment = align(asked, listed)

    assert alignment.score == pytest.approx(0.784, abs=0.0005)
    assert alignment.pairs[0].similarity >= 0.95


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        # It is borne by many, short, or what a company calls itself.
        ("Abdullah", "Abdullah KHALMANDARI"),
        ("Borg", "Borg KHALMANDARI"),
        ("Shipping", "NORDHAVEN SHIPPING"),
        # It is misspelled, or one of three.
        ("Talvig", "Borg TALVIK"),
        ("Talvik", "Borg TALVIK KHALMANDARI"),
        # A legal form makes it the name of a company, and nothing else was said to be one.
        ("Talvik LLC", "Borg TALVIK"),
    ],
)
def test_one_word_finds_no_other_name(asked, listed):
    assert align(asked, listed).score < CUT


@pytest.mark.parametrize("asked", ["Borg Nordhavenovich TALVIK", "Talvick Borg Khalmandari"])
def test_a_name_with_one_word_more_than_is_listed_just_reaches_the_cut(asked):
    assert align(asked, "Borg TALVIK").score == pytest.approx(0.784, abs=0.0005)


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        # Two words more, one more and one less, or one more and a slip.
        ("Borg Talvik Nordhavenovich Khalmandari", "Borg TALVIK"),
        ("Borg Talvik Nordhavenovich", "Borg Talvik KHALMANDARI"),
        ("Borg Talvig Nordhavenovich", "Borg TALVIK"),
        # The rest is one word, or borne by many.
        ("Talvik Nordhavenovich", "TALVIK"),
        ("Talvik Nordhavenovich LLC", "TALVIK LLC"),
        ("Ali Hassan Nordhavenovich", "Ali HASSAN"),
    ],
)
def test_a_name_with_more_that_differs_does_not(asked, listed):
    assert align(asked, listed).score < CUT


def test_a_word_that_is_not_listed_lets_the_missing_one_count_in_full():
    assert align("Ali Talvik", "Ali Talvik KHALMANDARI").score == pytest.approx(0.784, abs=0.0005)
    assert align("Ali Talvik Borg", "Ali Talvik KHALMANDARI").score == pytest.approx(
        0.627, abs=0.0005
    )


def test_the_best_name_of_an_entry_is_found():
    names = [ListedName("Borislav VASKERSKY"), ListedName("Borislaw WASKERSKI")]

    found = best("Borislaw Waskerski", names)

    assert found is not None
    assert found[0] == ListedName("Borislaw WASKERSKI")
    assert found[1].score == 1.0


@pytest.mark.parametrize(
    ("asked", "score"),
    [("Borya the Banker", 0.9), ("The Banker", 0.784), ("Mr Borya the Banker", 0.77)],
)
def test_a_weak_alias_scores_lower(asked, score):
    found = best(asked, [ListedName("BORYA THE BANKER", weak=True)])

    assert found is not None
    assert found[1].score == pytest.approx(score, abs=0.03)


def test_a_weak_alias_that_says_little_scores_lower_still():
    found = best("Ali", [ListedName("ALI", weak=True)])

    assert found is not None
    assert found[1].score == 0.8


@pytest.mark.parametrize(
    ("asked", "score"), [("Abu Talvik", 0.784), ("Abu Zor", 0.627), ("Abu Talvig", 0.603)]
)
def test_a_weak_alias_that_says_something_stays_just_possible(asked, score):
    found = best(asked, [ListedName("ABU TALVIK ZOR", weak=True)])

    assert found is not None
    assert found[1].score == pytest.approx(score, abs=0.0005)


def test_without_names_there_is_no_best():
    assert best("Borislav Vaskersky", []) is None


@given(st.text(), st.text())
def test_any_two_texts_have_a_score(asked, listed):
    assert 0.0 <= align(asked, listed).score <= 1.0


@given(WORDS)
def test_every_name_equals_itself(words):
    assert align(" ".join(words), " ".join(words)).score == 1.0


@given(WORDS, WORDS, st.randoms())
def test_the_order_of_words_changes_nothing(asked, listed, dice):
    shuffled = dice.sample(asked, len(asked))

    assert align(" ".join(shuffled), " ".join(listed)) == align(" ".join(asked), " ".join(listed))


@given(WORDS)
def test_no_score_rises_when_more_words_are_left_out(words):
    whole = " ".join(words)

    scores = [
        round(align(" ".join(words[:left]), whole).score, 9) for left in range(len(words) + 1)
    ]

    assert scores == sorted(scores)

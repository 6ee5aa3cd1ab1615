from __future__ import annotations

from tasks.job.states import MOVES, TERMINAL, State


def test_there_are_five_states():
    assert [state.value for state in State] == [
        "pending",
        "running",
        "completed",
        "failed",
        "rejected",
    ]


def test_the_moves_are_these_and_no_others():
    table = {(m.name, *sorted(m.before), m.after.value, m.counts) for m in MOVES}

    assert table == {
        ("claim", "pending", "running", "running", False),
        ("complete", "running", "completed", False),
        ("fail", "running", "failed", True),
        ("retry", "running", "running", True),
        ("park", "running", "running", False),
        ("hand_back", "running", "running", False),
        ("lose", "running", "running", True),
        ("reject", "pending", "rejected", False),
        ("cancel", "pending", "running", "failed", False),
    }


def test_no_move_leaves_a_terminal_state():
    assert {state.value for state in TERMINAL} == {"completed", "failed", "rejected"}
    assert not any(move.before & TERMINAL for move in MOVES)

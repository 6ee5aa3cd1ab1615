from __future__ import annotations

import json

import pytest

from tasks.providers.devchain.faults import Reverted
from tasks.providers.devchain.hexes import read_quantity
from tasks.providers.devchain.rpc import Method, Parameter, serve


def revert():
    raise Reverted("execution reverted: No", "0x08c3")


METHODS = {
    "double": Method(lambda number: 2 * number, (Parameter(read_quantity),)),
    "either": Method(lambda number: number, (Parameter(read_quantity, 7),)),
    "revert": Method(revert),
    "break": Method(lambda: 1 // 0),
}


def answer(asked):
    body = serve(METHODS, asked if isinstance(asked, bytes) else json.dumps(asked).encode())
    return json.loads(body) if body else None


def asks(method, *params, **more):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params), **more}


def test_an_answer_bears_the_id_of_its_request():
    assert answer(asks("double", "0x5", id="a")) == {"jsonrpc": "2.0", "id": "a", "result": 10}


def test_a_parameter_may_be_left_out_or_null_where_it_has_a_default():
    assert [answer(asks("either", *params))["result"] for params in ([], [None], ["0x1"])] == [
        7,
        7,
        1,
    ]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (b"{", {"code": -32700, "message": "parse error"}),
        (b"[" * 100_000, {"code": -32700, "message": "parse error"}),
        ([], {"code": -32600, "message": "empty batch"}),
        ([asks("double")] * 1001, {"code": -32600, "message": "batch too large"}),
        ({"id": 1}, {"code": -32600, "message": "invalid request"}),
        (7, {"code": -32600, "message": "invalid request"}),
        (
            asks("treble"),
            {"code": -32601, "message": "the method treble does not exist/is not available"},
        ),
        (
            asks("double"),
            {"code": -32602, "message": "missing value for required argument 0"},
        ),
        (
            asks("double", "0x05"),
            {"code": -32602, "message": "invalid argument 0: hex number with leading zero digits"},
        ),
        (
            asks("double", "0x5", "0x5"),
            {"code": -32602, "message": "too many arguments, want at most 1"},
        ),
        (asks("double", params={"a": 1}), {"code": -32602, "message": "non-array args"}),
        (
            asks("revert"),
            {"code": 3, "message": "execution reverted: No", "data": "0x08c3"},
        ),
        (asks("break"), {"code": -32603, "message": "internal error"}),
    ],
)
def test_a_request_that_fails_says_why(asked, error):
    assert answer(asked)["error"] == error


def test_a_batch_is_answered_in_its_order_and_without_what_wants_no_answer():
    silent = {"jsonrpc": "2.0", "method": "double", "params": ["0x9"]}

    answers = answer([asks("double", "0x1", id=1), silent, 3, asks("treble", id=2)])

    assert [one["id"] for one in answers] == [1, None, 2]
    assert ["result" in one for one in answers] == [True, False, False]
    assert answer(silent) is None
    assert answer([silent]) is None

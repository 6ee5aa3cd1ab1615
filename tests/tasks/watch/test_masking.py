from __future__ import annotations

from marshmallow import Schema, fields

from tasks.job.declare import discover
from tasks.watch.masking import mask


class Person(Schema):
    name = fields.String(metadata={"personal": True})
    country = fields.String()


class Everything(Schema):
    plain = fields.Integer()
    key = fields.String(metadata={"secret": True}, data_key="apiKey")
    owner = fields.Nested(Person)
    others = fields.List(fields.Nested(Person))
    more = fields.Nested(Person, many=True)


def test_what_is_marked_is_hidden_wherever_it_stands():
    ada = {"name": "Ada", "country": "GB"}

    shown = mask(
        Everything(),
        {"plain": 7, "apiKey": "s3cret", "owner": ada, "others": [ada], "more": [ada, ada]},
    )

    hidden = {"name": "(personal)", "country": "GB"}
    assert shown == {
        "plain": 7,
        "apiKey": "(secret)",
        "owner": hidden,
        "others": [hidden],
        "more": [hidden, hidden],
    }


def test_what_nobody_declared_is_hidden_and_what_is_null_is_not():
    assert mask(Everything(), {"new": "s3cret", "key": "s3cret", "owner": None}) == {
        "new": "(undeclared)",
        "key": "(undeclared)",
        "owner": None,
    }
    assert mask(None, {"n": 1}) == {"n": "(undeclared)"}


def test_these_fields_of_ours_are_hidden():
    marked = {
        (kind.name, name, mark)
        for kind in discover().values()
        if kind.handler.__module__.startswith("tasks.")
        for schema in (kind.payload(), kind.result())
        for name, field in schema.fields.items()
        for mark in ("secret", "personal")
        if field.metadata.get(mark)
    }

    assert marked == {
        ("relay_vote", "vote", "personal"),
        ("watchlist", "source_uid", "personal"),
        ("watchlist", "source_email", "personal"),
    }

"""Tests of `tasks.ledger`."""

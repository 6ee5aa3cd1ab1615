"""Tests of `tasks.ledger.contracts`, in an EVM."""

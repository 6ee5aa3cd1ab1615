"""Tests of `tasks.clients`."""

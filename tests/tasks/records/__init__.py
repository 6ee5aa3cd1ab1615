"""Tests of `tasks.records`."""

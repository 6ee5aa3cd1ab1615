"""Tests of `tasks.matching`."""

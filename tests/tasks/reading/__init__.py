"""Tests of `tasks.reading`."""

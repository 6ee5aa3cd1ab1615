"""Tests of `tasks.screening`."""

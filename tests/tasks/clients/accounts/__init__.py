"""Tests of `tasks.clients.accounts`."""

"""What the tests of the income API share."""

from __future__ import annotations

from tests.connected import http, perform, settings_with_accounts, stranger, who

__all__ = ["http", "perform", "settings_with_accounts", "stranger", "who"]

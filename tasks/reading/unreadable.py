"""What is said of a document that cannot be read."""

from __future__ import annotations

from tasks.job.errors import Complaint


class Unreadable(Complaint):
    """The document cannot be read; the message is for people and quotes nothing of it."""

"""The credentials API: a module for each kind of thing, one blueprint for all of them."""

from __future__ import annotations

from app.routes.credentials import dids, registries, schemas, webhooks
from app.routes.credentials.blueprint import blueprint

__all__ = ["blueprint", "dids", "registries", "schemas", "webhooks"]

"""The income API: users, links, tasks, reports and webhooks."""

from app.routes.income import bridge, links, tasks, users, webhooks
from app.routes.income.blueprint import blueprint

__all__ = ["blueprint", "bridge", "links", "tasks", "users", "webhooks"]

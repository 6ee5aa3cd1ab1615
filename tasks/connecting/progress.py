"""How far a task is: a stage begins in the commit that keeps what it rests on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from config.failpoints import failpoint
from tasks.webhooks.account_tasks import STAGES, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.job.context import Context, Step
    from tasks.records.income_tasks import AccountTask


class Progress:
    """The stages of one task, which never go back and are told once each."""

    def __init__(self, ctx: Context, task: AccountTask) -> None:
        self._ctx = ctx
        self._task = task
        self._place = STAGES.index(ctx.job.stage) if ctx.job.stage else -1

    def is_before(self, stage: str) -> bool:
        """Tell whether a stage is still to come."""
        return self._place < STAGES.index(stage)

    @contextmanager
    def to(self, stage: str) -> Iterator[Step]:
        """Open a step with whose commit a stage begins, unless the task has been there.

        Raises:
            ClaimLost: as any step.
        """
        with self._ctx.step(locked=True) as step:
            yield step
            if self.is_before(stage):
                step.save(stage=stage)
                tell(step.dispatch, self._task, stage)
        self._place = max(self._place, STAGES.index(stage))
        failpoint(f"income.{stage}")

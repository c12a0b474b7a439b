"""The hard limit on paid calls: a token for every attempt, taken before it is sent.

An attempt whose reply was lost may be billed, so retries take a token too; only a throttle is known to cost nothing.
"""

from __future__ import annotations

import threading

from labelplan.errors import BudgetExceeded


class Budget:
    """Counts attempts, exactly, whatever the number of threads."""

    def __init__(self, most: int | None) -> None:
        """Allow *most* attempts in all; None: no limit."""
        self.most = most
        self._spent = 0
        self._counting = threading.Lock()

    @property
    def spent(self) -> int:
        """Attempts that count as paid, those under way included."""
        with self._counting:
            return self._spent

    def take(self) -> None:
        """Take a token for one attempt, or raise `BudgetExceeded`; what is under way is not touched."""
        with self._counting:
            if self.most is not None and self._spent >= self.most:
                what = f"The budget of {self.most:,} DetectLabels calls is spent; the next one was not sent."
                todo = "Retries count too: raise budget.max_calls in the spec, or --max-calls."
                raise BudgetExceeded(what, hint=f"{todo} What was answered is kept, and not paid again.")
            self._spent += 1

    def give_back(self) -> None:
        """Return the token of an attempt that was throttled, and so is not billed."""
        with self._counting:
            self._spent -= 1

"""Writing only where an object is as it was, whatever a store makes of such a condition.

Some stores refuse a condition, and some find it unmet although it is met: they compare ETags in a form that they never
tell, or answer ``If-None-Match: *`` with 404 where no object is. So a condition that fails although the object is as it
was is sent once more, because the object may have come and gone. Then the store counts as one without conditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError

from videoimport.worker.destination import UnmetError
from videoimport.worker.s3_errors import ABSENT, CONFLICT, UNMET, error_code, is_unknown

_TRIES = 2
NO_OBJECT: Mapping[str, str] = {"IfNoneMatch": "*"}
"""The condition that nothing stands at a key."""
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Conditions:
    """What a run has found out about the conditions of one kind of request."""

    are_taken: bool = True
    """Whether a request may have one; otherwise it is refused, or never met."""
    are_kept: bool | None = None
    """Whether a request does nothing where its condition is not met; None where that is not known."""

    def send(
        self, request: Callable[..., Answer], condition: Mapping[str, str], is_as_it_was: Callable[[], bool]
    ) -> Answer:
        """Send a request with its condition, or without where the store knows none. ``is_as_it_was`` looks.

        Raises UnmetError, and botocore's errors: also that of a conflict with a request that left the object as it was.
        """
        if not self.are_taken or not condition:
            return request()
        for _ in range(_TRIES):
            try:
                return request(**condition)
            except ClientError as error:
                if is_unknown(error) and not self.are_kept:
                    break
                if error_code(error) not in (*UNMET, *ABSENT):
                    raise
                if not is_as_it_was():
                    raise UnmetError from None
                if error_code(error) in CONFLICT:
                    raise
        return self._without(request)

    def _without(self, request: Callable[[], Answer]) -> Answer:
        earlier = self.are_taken, self.are_kept
        self.are_taken = self.are_kept = False
        try:
            return request()
        except BaseException:  # it was not the condition
            self.are_taken, self.are_kept = earlier
            raise

"""Writing only where an object is as it was, whatever a store makes of such a condition.

Some stores refuse a condition, and some find it unmet although it is met: they compare ETags in a form that they never
tell, or answer ``If-None-Match: *`` with 404 where no object is. So a condition that fails although the object is as it
was is sent once more, because the object may have come and gone. Then the store counts as one that refuses it.

What a store makes of a condition is known for each kind of request and each header by itself. Where the store is not
known to honour one, the object is looked at directly before the request, and the request has the condition all the same
unless the store is known to refuse or ignore it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from botocore.exceptions import ClientError

from videoimport.worker.storage.base import Replaceable, UnmetError
from videoimport.worker.storage.s3 import answer_forms as forms
from videoimport.worker.storage.s3.errors import ABSENT, CONFLICT, UNMET, error_code, is_repeated, is_unknown

_TRIES = 2
Condition = Mapping[str, str]
"""At most one of ``IfNoneMatch`` and ``IfMatch``. Without any, only a look tells whether the object is as it was."""
NO_OBJECT: Condition = {"IfNoneMatch": "*"}
"""The condition that nothing stands at a key."""
Answer = TypeVar("Answer")


class Support(Enum):
    """What a store makes of a condition."""

    HONOURED = auto()
    """It does nothing where the condition is not met."""
    REFUSED = auto()
    """It refuses the request, or finds the condition never met."""
    IGNORED = auto()
    """It carries the request out in any case."""


def condition_for(replace: Replaceable) -> Condition | None:
    """The condition that only what ``replace`` allows is replaced; None where that is anything."""
    if isinstance(replace, bool):
        return None if replace else NO_OBJECT
    return if_match(forms.version(replace.etag))


def if_match(version: str) -> Condition:
    """The condition that an object has this ETag; none where the store tells no ETag."""
    return {"IfMatch": version} if version else {}


@dataclass(slots=True)
class Conditions:
    """What a run has found out about the conditions of one kind of request."""

    known: dict[str, Support] = field(default_factory=dict)

    def is_honoured(self, header: str) -> bool | None:
        """Whether a request does nothing where this condition is not met; None where that is not known."""
        support = self.known.get(header)
        return None if support is None else support is Support.HONOURED

    def send(
        self, request: Callable[..., Answer], condition: Condition | None, is_as_it_was: Callable[[], bool]
    ) -> Answer:
        """Send a request with its condition, or without where the store knows none. ``is_as_it_was`` looks.

        Raises UnmetError, and botocore's errors: also that of a conflict with a request that left the object as it was.
        """
        if condition is None:
            return request()
        header = next(iter(condition), None)
        support = self.known.get(header) if header else None
        if support is not Support.HONOURED and not is_as_it_was():
            raise UnmetError
        if header is None or support in (Support.REFUSED, Support.IGNORED):
            return request()
        return self._send(request, condition, header, is_as_it_was)

    def _send(
        self, request: Callable[..., Answer], condition: Condition, header: str, is_as_it_was: Callable[[], bool]
    ) -> Answer:
        for _ in range(_TRIES):
            try:
                return request(**condition)
            except ClientError as error:
                if is_unknown(error) and self.known.get(header) is not Support.HONOURED:
                    break
                if error_code(error) not in (*UNMET, *ABSENT):
                    raise
                if not is_as_it_was():
                    raise UnmetError(is_repeated=is_repeated(error.response)) from None
                if error_code(error) in CONFLICT:
                    raise
        return self._without(request, header)

    def _without(self, request: Callable[[], Answer], header: str) -> Answer:
        earlier = dict(self.known)
        self.known[header] = Support.REFUSED
        try:
            return request()
        except BaseException:  # it was not the condition
            self.known = earlier
            raise

"""Writes that replace an object only if it is unchanged. These writes also work on stores that support conditions
only in part or not at all. Some stores refuse a condition. Other stores report a met condition as unmet. For
example, a store compares ETags in a form that it never returns, or answers ``If-None-Match: *`` with 404 if there is
no object. So if a condition fails although the object is unchanged, the request is sent once more, because the
object may have come and gone. If the condition fails again, the store is treated as a store that refuses the
condition.

The support is recorded for each kind of request and each header separately. If a store is not known to honour a
condition, the object is read directly before the request. The request still has the condition, unless the store is
known to refuse or ignore it.
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
"""At most one of ``IfNoneMatch`` and ``IfMatch``. If empty, only a read of the object shows whether it is unchanged."""
NO_OBJECT: Condition = {"IfNoneMatch": "*"}
"""The condition that there is no object at a key."""
Answer = TypeVar("Answer")


class Support(Enum):
    """A store's support for a condition."""

    HONOURED = auto()
    """The store does nothing if the condition is not met."""
    REFUSED = auto()
    """The store refuses the request, or always reports the condition as unmet."""
    IGNORED = auto()
    """The store carries out the request in any case."""


def condition_for(replace: Replaceable) -> Condition | None:
    """Return the HTTP condition for the writes that ``replace`` allows. Return None if ``replace`` allows all
    writes."""
    if isinstance(replace, bool):
        return None if replace else NO_OBJECT
    return if_match(forms.version(replace.etag))


def if_match(version: str) -> Condition:
    """Return the HTTP condition that an object has this ETag. The result is empty if the store returns no ETag."""
    return {"IfMatch": version} if version else {}


@dataclass(slots=True)
class Conditions:
    """The known support of a store for conditions, for one kind of request."""

    known: dict[str, Support] = field(default_factory=dict)

    def is_honoured(self, header: str) -> bool | None:
        """Return whether a request does nothing if this condition is not met. Return None if this is unknown."""
        support = self.known.get(header)
        return None if support is None else support is Support.HONOURED

    def send(
        self, request: Callable[..., Answer], condition: Condition | None, is_as_it_was: Callable[[], bool]
    ) -> Answer:
        """Send a request with its condition, or without the condition if the store does not support it.

        ``is_as_it_was`` reads the object and returns whether it is unchanged. Raises UnmetError, or an error of
        botocore. Such an error may also come from another request at the same time that did not change the object.
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
                    if not is_as_it_was():  # the object may have changed while the store refused
                        raise UnmetError(is_repeated=is_repeated(error.response)) from None
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
        except BaseException:  # the condition was not the cause
            self.known = earlier
            raise

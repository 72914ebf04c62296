from typing import Any

import pytest
from botocore.exceptions import ClientError

from videoimport.worker.storage.base import UnmetError
from videoimport.worker.storage.s3.conditional_writes import Conditions, Support, if_match

SEEN = if_match("seen")


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "DeleteObject")


class Store:
    """A store that refuses a condition. Another writer replaces the object ``after`` that many looks."""

    def __init__(self, code: str, status: int, after: int | None = None) -> None:
        self._refusal, self._after = refusal(code, status), after
        self.looks = 0
        self.sent: list[dict[str, Any]] = []

    def request(self, **condition: Any) -> str:
        self.sent.append(condition)
        if condition:
            raise self._refusal
        return "done"

    def is_as_it_was(self) -> bool:
        self.looks += 1
        return self._after is None or self.looks <= self._after


REFUSED = pytest.mark.parametrize(("code", "status"), [("NotImplemented", 501), ("InvalidArgument", 400)])


@REFUSED
def test_a_refused_condition_is_left_out_if_the_object_is_still_the_same(code: str, status: int) -> None:
    store, conditions = Store(code, status), Conditions()
    assert conditions.send(store.request, SEEN, store.is_as_it_was) == "done"
    assert store.sent == [dict(SEEN), {}]
    assert conditions.known == {"IfMatch": Support.REFUSED}


@REFUSED
def test_an_object_that_changed_during_the_refusal_stays(code: str, status: int) -> None:
    store = Store(code, status, after=1)
    with pytest.raises(UnmetError):
        Conditions().send(store.request, SEEN, store.is_as_it_was)
    assert store.sent == [dict(SEEN)]

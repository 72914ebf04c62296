"""Repetitions end: each one, and those of whole files and publications, whose own bytes count as going on."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError, UnseekableStreamError

from support.fake_clock import FakeClock
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import StageName
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.errors import DestinationFault, Remedy
from videoimport.worker.storage.retry_policy import (
    FIRST_SECONDS,
    MOST_COPIES,
    RESENDS,
    WAIT_SECONDS,
    Reach,
    Retries,
    patience,
    read_timeout,
)

MIB = 2**20
AWAY = DestinationFault(Reason.DESTINATION_UNAVAILABLE, "EIO", remedy=Remedy.WAIT)
LOST = DestinationFault(Reason.DESTINATION_CORRUPT, "other bytes", remedy=Remedy.RESEND)


class Run:
    """A run's retries and its board, and one file that is sent: ``seconds`` for each try."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.board = Board(1, self.clock)
        self.board.start(StageName.UPLOAD)
        self.retries = Retries(self.clock.sleep, self.clock)
        self.retries.persist(lambda: self.board.still()[0], WAIT_SECONDS, lambda: False)
        self.tries = 0

    def moved(self, done: int) -> None:
        """As an upload tells of its bytes: all of it counts as going on."""
        self.board.touch()
        self.board.moved(StageName.UPLOAD, done, 100 * MIB)

    def send(self, fail: Callable[["Run"], tuple[int, DestinationFault | None]], seconds: float = 0) -> None:
        reach = Reach()

        def once() -> None:
            self.tries += 1
            self.clock.sleep(seconds)
            done, fault = fail(self)
            for at in range(MIB, done + 1, MIB):
                reach(at)
                self.moved(at)
            if fault is not None:
                raise fault

        self.retries.resends(lambda: False, reach)(once)


@pytest.fixture
def run() -> Run:
    return Run()


class TestAFileThatIsSentAgain:
    def test_a_fault_at_one_offset_ends_it_after_some_copies(self, run: Run) -> None:
        with pytest.raises(DestinationFault, match="EIO"):
            run.send(lambda _: (16 * MIB, AWAY))
        assert run.tries == MOST_COPIES
        assert run.clock.now < WAIT_SECONDS

    def test_copies_that_take_long_are_given_up_after_the_patience(self, run: Run) -> None:
        with pytest.raises(DestinationFault, match="EIO"):
            run.send(lambda _: (16 * MIB, AWAY), seconds=100)
        assert 3 <= run.tries <= 4, "the first failure is after 100 s"

    def test_one_that_moves_no_byte_is_waited_for_as_long_as_a_request(self, run: Run) -> None:
        def fail(run: Run) -> tuple[int, DestinationFault | None]:
            return (0, AWAY) if run.clock.now < WAIT_SECONDS - 20 else (16 * MIB, None)

        run.send(fail)
        assert run.tries > MOST_COPIES

    def test_a_minute_away_in_the_middle_costs_nothing(self, run: Run) -> None:
        def fail(run: Run) -> tuple[int, DestinationFault | None]:
            if run.tries == 1:
                return 16 * MIB, AWAY
            return (0, AWAY) if run.clock.now < 90 else (16 * MIB, None)

        run.send(fail, seconds=1)

    def test_each_try_that_comes_further_begins_the_patience_anew(self, run: Run) -> None:
        def fail(run: Run) -> tuple[int, DestinationFault | None]:
            return run.tries * MIB, AWAY if run.tries < 5 else None

        run.send(fail, seconds=WAIT_SECONDS + 1)
        assert run.tries == 5

    def test_but_not_for_ever(self, run: Run) -> None:
        with pytest.raises(DestinationFault, match="EIO"):
            run.send(lambda run: (run.tries * MIB, AWAY), seconds=WAIT_SECONDS + 1)
        assert run.tries == MOST_COPIES

    def test_what_the_destination_damages_is_counted_by_itself(self, run: Run) -> None:
        with pytest.raises(DestinationFault, match="other bytes"):
            run.send(lambda run: (MIB, AWAY if run.tries == 1 else LOST))
        assert run.tries == 1 + RESENDS + 1


class TestAPublication:
    def test_one_that_moves_bytes_itself_is_given_up_after_the_patience(self, run: Run) -> None:
        def show() -> None:
            run.board.touch()  # an object is read
            run.clock.sleep(1)
            raise AWAY

        with pytest.raises(DestinationFault, match="EIO"):
            run.retries.run_whole(show)
        assert WAIT_SECONDS <= run.clock.now <= WAIT_SECONDS + 15

    def test_a_minute_away_is_waited_for(self, run: Run) -> None:
        def show() -> str:
            if run.clock.now < 60:
                raise AWAY
            return "shown"

        assert run.retries.run_whole(show) == "shown"

    def test_a_small_request_is_repeated_as_long_as_anything_else_goes_on(self, run: Run) -> None:
        def ask() -> str:
            run.board.touch()  # the encode
            if run.clock.now < 3 * WAIT_SECONDS:
                raise AWAY
            return "answered"

        assert run.retries.run(ask) == "answered"


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "UploadPart")  # type: ignore[typeddict-item]


def test_only_answers_that_the_body_is_damaged_count_as_such(run: Run) -> None:
    """The part is sent three times whose bytes were not what arrived, however often the store was busy before."""
    told = ["SlowDown", "SlowDown", "BadDigest", "SlowDown", "BadDigest", "BadDigest", "BadDigest"]
    asked: list[str] = []

    class Client:
        def __init__(self) -> None:
            self._make_api_call: Callable[..., Any] = self.answer

        def answer(self, _operation: str, _params: dict[str, Any]) -> None:
            asked.append(told[len(asked)])
            raise refusal(asked[-1], 503 if asked[-1] == "SlowDown" else 400)

    client: Any = Client()
    run.retries.install(client)
    with pytest.raises(ClientError, match="BadDigest"):
        client._make_api_call("UploadPart", {})
    assert asked == told[:6]


class TestAStoreThatSendsNothing:
    """A request that got no answer was given up: the next would wait as long, and be given up too."""

    class Client:
        def __init__(self, run: Run) -> None:
            self.asked, self.is_back = 0, False
            self._run = run
            self._make_api_call: Callable[..., Any] = self.answer

        def answer(self, _operation: str, _params: dict[str, Any]) -> dict[str, Any]:
            self.asked += 1
            if self.is_back:
                return {"ETag": "x"}
            self._run.clock.sleep(60)
            raise ReadTimeoutError(endpoint_url="http://s3")

    @pytest.fixture
    def client(self, run: Run) -> Any:
        client: Any = self.Client(run)
        run.retries.install(client)
        with pytest.raises(ReadTimeoutError):
            client._make_api_call("UploadPart", {})
        return client

    def test_is_asked_no_more(self, client: Any, run: Run) -> None:
        asked, given_up = client.asked, run.clock.now
        with pytest.raises(ReadTimeoutError):
            client._make_api_call("AbortMultipartUpload", {})
        assert (client.asked, run.clock.now) == (asked, given_up)

    def test_is_asked_no_more_if_another_part_ends_without_an_answer(self, run: Run) -> None:
        """The body of that part refuses another reading, because its upload was stopped meanwhile."""
        client: Any = self.Client(run)
        given_up = client._make_api_call

        def answer(operation: str, params: dict[str, Any]) -> dict[str, Any]:
            if operation != "UploadPart":
                answered: dict[str, Any] = given_up(operation, params)
                return answered
            with pytest.raises(ReadTimeoutError):
                client._make_api_call("OtherPart", {})
            raise UnseekableStreamError(stream_object="body")

        client._make_api_call = answer
        run.retries.install(client)
        with pytest.raises(UnseekableStreamError):
            client._make_api_call("UploadPart", {})
        asked = client.asked
        with pytest.raises(ReadTimeoutError):
            client._make_api_call("AbortMultipartUpload", {})
        assert client.asked == asked

    def test_is_asked_again_as_soon_as_anything_goes_on(self, client: Any, run: Run) -> None:
        run.board.touch()
        client.is_back = True
        assert client._make_api_call("PutObject", {})["ETag"]
        run.clock.sleep(WAIT_SECONDS)
        assert client._make_api_call("PutObject", {})["ETag"], "it answers again"


@pytest.mark.parametrize("stall", [60, 120, 600, 3600])
def test_a_request_is_given_up_before_the_run_is_stalled(stall: int) -> None:
    """The patience, the longest pause, and the last request: boto sends it twice, a second apart."""
    assert patience(stall) + 10.5 + 2 * read_timeout(stall) + 1 < stall
    assert read_timeout(600) == 60


UNAVAILABLE = Reason.DESTINATION_UNAVAILABLE


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Client:
    """Answers each request with the next error, then for ever with the last one; an empty one is success."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.asked = 0
        self._make_api_call: Callable[..., Any] = self._answer

    def _answer(self, _operation: str, _params: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        error = self._errors.pop(0) if len(self._errors) > 1 else self._errors[0]
        if error is not None:
            raise error
        return {"ResponseMetadata": {"HTTPStatusCode": 200}}


def answer(code: str, status: int = 503) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]


class TestRetries:
    def asked(self, client: Client, retries: Retries) -> Any:
        retries.install(client)  # type: ignore[arg-type]
        return client._make_api_call("PutObject", {})

    def test_a_store_that_comes_back_is_waited_for(self, clock: FakeClock) -> None:
        client = Client(*[answer("SlowDown")] * 20, None)
        retries = Retries(clock.sleep, clock)
        retries.persist(lambda: clock.now, 300, lambda: False)
        assert self.asked(client, retries) == {"ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 20}}
        assert client.asked == 21

    def test_a_refusal_tells_how_often_was_asked(self, clock: FakeClock) -> None:
        with pytest.raises(ClientError) as caught:
            self.asked(Client(answer("SlowDown"), answer("NotImplemented", 501)), Retries(clock.sleep, clock))
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1

    def test_one_that_stays_away_is_given_up_when_nothing_else_went_on_for_long(self, clock: FakeClock) -> None:
        retries = Retries(clock.sleep, clock)
        retries.persist(lambda: clock.now - min(clock.now, 1000), 300, lambda: False)  # an encode of 1000 s
        with pytest.raises(ClientError):
            self.asked(Client(answer("InternalError", 500)), retries)
        assert 1300 <= clock.now <= 1311

    def test_before_anything_was_made_it_is_given_up_soon(self, clock: FakeClock) -> None:
        with pytest.raises(EndpointConnectionError) as caught:
            self.asked(Client(EndpointConnectionError(endpoint_url="x")), Retries(clock.sleep, clock))
        assert FIRST_SECONDS <= clock.now <= FIRST_SECONDS + 11
        assert getattr(caught.value, "operation_name", "") == "PutObject"

    @pytest.mark.parametrize("code", ["AccessDenied", "QuotaExceeded", "EntityTooLarge", "NotImplemented", "NoSuchKey"])
    def test_a_refusal_is_not_repeated(self, clock: FakeClock, code: str) -> None:
        client = Client(answer(code, 403))
        with pytest.raises(ClientError):
            self.asked(client, Retries(clock.sleep, clock))
        assert client.asked == 1

    def test_a_body_that_does_not_arrive_is_sent_three_times(self, clock: FakeClock) -> None:
        client = Client(answer("BadDigest", 400))
        with pytest.raises(ClientError):
            self.asked(client, Retries(clock.sleep, clock))
        assert client.asked == 3

    def test_a_run_that_is_ending_waits_for_nothing(self, clock: FakeClock) -> None:
        client, retries = Client(answer("SlowDown")), Retries(clock.sleep, clock)
        retries.persist(lambda: 0, 300, lambda: True)
        with pytest.raises(ClientError):
            self.asked(client, retries)
        assert (client.asked, clock.now) == (1, 0)

    @pytest.mark.parametrize(("remedy", "sent"), [(Remedy.RESEND, RESENDS + 1), (Remedy.NONE, 1)])
    def test_a_file_is_sent_again_where_that_helps(self, clock: FakeClock, remedy: Remedy, sent: int) -> None:
        count = 0

        def send() -> None:
            nonlocal count
            count += 1
            raise DestinationFault(UNAVAILABLE, "lost", remedy=remedy)

        with pytest.raises(DestinationFault):
            Retries(clock.sleep, clock).resends(lambda: False)(send)
        assert count == sent

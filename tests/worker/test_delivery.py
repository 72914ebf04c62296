"""A message's delivery by the worker's real process: signed, sent once, and whatever the receiver does is told."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.waiting import until
from support.webhook_receiver import WebhookReceiver, new_secret, status
from support.worker.http_proxy import NETWORK, HttpProxy
from support.worker.webhook_harness import BODY, WebhookHarness
from videoimport.api.reasons import Reason, info


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver().running() as running:
        yield running


@pytest.fixture
def sender(tmp_path: Path, receiver: WebhookReceiver) -> WebhookHarness:
    return WebhookHarness(tmp_path, {"webhook-secret": receiver.secret})


def test_a_signed_message_arrives_once_with_the_very_bytes(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    ended = sender.deliver(receiver.url("/done?team=7"))
    assert (ended.code, ended.report.reason, ended.report.uid, ended.report.run) == (0, None, "uid-1", 3)
    assert [(one.path, one.id, one.body) for one in receiver.posts] == [("/done?team=7", "msg_1", BODY.encode())]
    assert receiver.posts[0].headers["content-type"] == "application/json"
    assert receiver.forged == []
    assert receiver.secret.removeprefix("whsec_") not in ended.everything


def test_a_login_in_the_address_is_used_and_not_told(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    ended = sender.deliver(receiver.url().replace("http://", "http://ann:hunter2@"))
    assert receiver.posts[0].headers["authorization"] == "Basic YW5uOmh1bnRlcjI="
    assert "hunter2" not in ended.everything


def test_two_keys_sign_it_while_one_replaces_the_other(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    sender.keys["webhook-secret"] = f"{new_secret()}\n{receiver.secret}\n"
    assert sender.deliver(receiver.url()).code == 0
    assert len(receiver.posts[0].headers["webhook-signature"].split()) == 2


@pytest.mark.parametrize(("code", "reason"), [(404, Reason.WEBHOOK_FAILED), (410, Reason.WEBHOOK_GONE)])
def test_an_answer_other_than_2xx_is_told_and_not_repeated(
    sender: WebhookHarness, receiver: WebhookReceiver, code: int, reason: Reason
) -> None:
    receiver.replies = [status(code)]
    ended = sender.deliver(receiver.url())
    assert (ended.report.reason, ended.code) == (reason, info(reason).exit_code)
    assert f"127.0.0.1 answered {code}" in ended.report.message
    assert len(receiver.posts) == 1


def test_a_receiver_says_how_long_it_wants_to_be_left_alone(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    receiver.replies = [status(429, Retry_After="120")]
    report = sender.deliver(receiver.url()).report
    assert (report.reason, report.retry_after_seconds) == (Reason.WEBHOOK_FAILED, 120)


def test_a_redirect_is_not_followed(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    with WebhookReceiver().running() as other:
        receiver.replies = [status(307, Location=other.url())]
        report = sender.deliver(receiver.url()).report
        assert report.reason is Reason.WEBHOOK_FAILED
        assert "redirects are not followed" in report.advice
        assert (other.posts, other.forged) == ([], [])


def test_a_connection_that_is_closed_without_an_answer(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    receiver.replies = [lambda came: came.reset()]
    assert sender.deliver(receiver.url()).report.reason is Reason.WEBHOOK_FAILED
    assert len(receiver.posts) == 1


def test_a_slow_receiver_is_given_up_in_time(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    receiver.replies = [lambda _: receiver.over.wait()]  # type: ignore[list-item]
    ended = sender.deliver(receiver.url(), timeout_seconds=2)
    assert (ended.report.reason, ended.report.message) == (
        Reason.WEBHOOK_FAILED,
        "The receiver did not answer within 2 s.",
    )


def test_nobody_listens(sender: WebhookHarness) -> None:
    with socket.socket() as taken:  # bound, so that nobody else gets it, and not listening
        taken.bind(("127.0.0.1", 0))
        report = sender.deliver(f"http://127.0.0.1:{taken.getsockname()[1]}/").report
    assert (report.reason, report.message) == (Reason.WEBHOOK_FAILED, "127.0.0.1 could not be reached.")


def test_a_private_address_is_out_of_reach(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    ended = sender.deliver(receiver.url(host="localhost"), allowed_networks=())
    assert (ended.report.reason, ended.code) == (Reason.ADDRESS_FORBIDDEN, info(Reason.ADDRESS_FORBIDDEN).exit_code)
    assert "localhost (127.0.0.1), which is not a public address" in ended.report.message
    assert (receiver.posts, receiver.forged) == ([], [])


def test_a_proxy_carries_it(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    with HttpProxy() as proxy:
        assert sender.deliver(receiver.url(), proxy=proxy.url, allowed_networks=(NETWORK,)).code == 0
    assert [asked for asked, _ in proxy.asked] == [receiver.url()]
    assert len(receiver.posts) == 1


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key with its certificate, and the certificate alone."""
    folder = tmp_path_factory.mktemp("tls")
    key = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    own, certificate = folder / "key.pem", folder / "ca.crt"
    made = ["openssl", *key, *subject, "-keyout", own, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text(own.read_text() + certificate.read_text())
    return both, certificate


def test_a_certificate_nobody_vouches_for(sender: WebhookHarness, pair: tuple[Path, Path]) -> None:
    with WebhookReceiver(certificate=pair[0]).running() as receiver:
        report = sender.deliver(receiver.url()).report
    assert report.reason is Reason.CERTIFICATE_INVALID
    assert "127.0.0.1" in report.message
    assert receiver.posts == []


def test_a_certificate_of_the_config_map_is_trusted(sender: WebhookHarness, pair: tuple[Path, Path]) -> None:
    (sender.folder / "ca.crt").write_text(pair[1].read_text())
    with WebhookReceiver(certificate=pair[0], secret=sender.keys["webhook-secret"]).running() as receiver:
        assert sender.deliver(receiver.url(), ca_bundle_config_map_ref={"name": "ours"}).code == 0
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "There is no Secret 'hook-key'"),
        ({"webhook-secret": "whsec_tell!nobody"}, "must be whsec_ followed by the base64"),
    ],
)
def test_a_secret_that_is_missing_or_malformed(
    sender: WebhookHarness, receiver: WebhookReceiver, keys: dict[str, str], told: str
) -> None:
    sender.keys = keys
    ended = sender.deliver(receiver.url())
    assert ended.report.reason is Reason.CREDENTIALS_NOT_FOUND
    assert told in ended.report.message
    assert "nobody" not in ended.everything
    assert (receiver.posts, receiver.forged) == ([], [])


def test_a_worker_that_is_asked_to_stop_says_so(sender: WebhookHarness, receiver: WebhookReceiver) -> None:
    receiver.replies = [lambda _: receiver.over.wait()]  # type: ignore[list-item]
    process = sender.start(sender.task(receiver.url()))
    until(lambda: receiver.posts)
    process.send_signal(signal.SIGTERM)
    ended = sender.ended(process)
    assert (ended.report.reason, ended.code) == (Reason.WORKER_LOST, info(Reason.WORKER_LOST).exit_code)

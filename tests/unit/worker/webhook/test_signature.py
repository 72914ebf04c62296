"""The signature of a webhook message."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.webhook import signature as signing

KEY = bytes(range(32))


SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def folder(tmp_path: Path, **keys: str) -> Path:
    for name, value in keys.items():
        (tmp_path / name.replace("_", "-")).write_text(value)
    return tmp_path


def refusal(path: Path) -> str:
    with pytest.raises(ImportFailure) as caught:
        signing.read_signers("hook-key", path)
    assert caught.value.reason is Reason.CREDENTIALS_NOT_FOUND
    return caught.value.message


def test_a_message_is_signed_as_the_library_verifies_it(tmp_path: Path) -> None:
    body, now = '{"name": "動画"}', datetime.now(UTC)
    signers = signing.read_signers("hook-key", folder(tmp_path, webhook_secret=f"{SECRET}\n"))
    headers = signing.headers(signers, "msg_1", body, now)
    assert Webhook(SECRET).verify(body.encode(), headers) == {"name": "動画"}


def test_while_a_key_is_replaced_either_verifies(tmp_path: Path) -> None:
    other = f"whsec_{base64.b64encode(bytes(24)).decode()}"
    signers = signing.read_signers("hook-key", folder(tmp_path, webhook_secret=f"{SECRET}\n{other}\n"))
    headers = signing.headers(signers, "msg_1", "{}", datetime.now(UTC))
    for secret in (SECRET, other):
        assert Webhook(secret).verify(b"{}", headers) == {}


def test_a_missing_secret_or_key_is_named(tmp_path: Path) -> None:
    assert "no Secret 'hook-key'" in refusal(tmp_path / "none")
    assert "no Secret 'hook-key'" in refusal(tmp_path)
    assert "has no key webhook-secret" in refusal(folder(tmp_path, other="x"))


@pytest.mark.parametrize(
    "value",
    [
        "",
        base64.b64encode(KEY).decode(),
        "whsec_",
        "whsec_tell!nobody!tell!nobody!tell!nobody!",
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        f"{SECRET}\ntell-nobody",
        "\n".join([SECRET] * 5),
    ],
)
def test_a_malformed_secret_is_refused_and_not_told(tmp_path: Path, value: str) -> None:
    message = refusal(folder(tmp_path, webhook_secret=value))
    assert "whsec_ followed by the base64 of 24 to 64 random bytes" in message
    assert all(word.removeprefix("whsec_") not in message for word in value.split() if word != "whsec_")

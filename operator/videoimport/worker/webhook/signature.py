"""The webhook's Secret, and the signature headers of https://www.standardwebhooks.com."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from standardwebhooks import Webhook

from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import SECRET_KEY
from videoimport.worker.runtime.errors import ImportFailure

_PREFIX = "whsec_"
_FEWEST_BYTES, _MOST_BYTES = 24, 64
_MOST_SECRETS = 4


def read_signers(secret: str, folder: Path) -> tuple[Webhook, ...]:
    """Return the signers of the Secret that is mounted at ``folder``. There are two signers while a new key replaces
    an old key.

    ``secret`` is the Secret's name. Raises ImportFailure CREDENTIALS_NOT_FOUND. Its message contains no value of the
    Secret.
    """
    try:
        words = (folder / SECRET_KEY).read_text("ascii", "replace").split()
    except OSError:
        raise ImportFailure(Reason.CREDENTIALS_NOT_FOUND, _missing(secret, folder)) from None
    signers = [_signer(word) for word in words]
    found = tuple(signer for signer in signers if signer is not None)
    if not found or len(found) < len(signers) or len(found) > _MOST_SECRETS:
        message = (
            f"In the Secret {secret!r}, each key under {SECRET_KEY} must be {_PREFIX} followed by the base64 of "
            f"{_FEWEST_BYTES} to {_MOST_BYTES} random bytes."
        )
        raise ImportFailure(Reason.CREDENTIALS_NOT_FOUND, message)
    return found


def headers(signers: Sequence[Webhook], message_id: str, body: str, now: datetime) -> dict[str, str]:
    """Return the headers of a message.

    ``now`` is the time of sending in UTC. A receiver accepts the message for some minutes after ``now``.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signer.sign(message_id, now, body) for signer in signers),
    }


def _missing(secret: str, folder: Path) -> str:
    if not folder.is_dir() or not any(path.is_file() for path in folder.iterdir()):
        return f"There is no Secret {secret!r} in this namespace, or it is empty."
    return f"The Secret {secret!r} has no key {SECRET_KEY}."


def _signer(word: str) -> Webhook | None:
    """Return the signer for one key of the Secret, or None if the key is invalid.

    The library itself accepts any text as base64 and ignores invalid characters, so this function validates the text.
    """
    encoded = word.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return None
    fits = word.startswith(_PREFIX) and _FEWEST_BYTES <= len(key) <= _MOST_BYTES
    return Webhook(key) if fits else None

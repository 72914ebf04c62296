"""Formatting of messages for users, within the length limits of the API."""

import re
from datetime import datetime

from videoimport.api.reasons import Reason, info
from videoimport.api.redaction import shown_text
from videoimport.api.untrusted_text import MAX_MESSAGE, fit

_BETWEEN = re.compile(r"(?<=[.!?…])\s+")
_WORD = re.compile(r"\w+")


def join_sentences(*parts: str) -> str:
    """Return the parts that are not empty as sentences, each with a full stop, within the length limit of a message.

    The last part is never cut, because it has the advice or the time. All messages pass through this function,
    including messages of the cluster and of workers. So the function removes secrets from URLs.
    """
    said = [clean for part in parts if (clean := shown_text(part).strip())]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in said]
    *head, last = remove_repeats(ended) or [""]
    room = MAX_MESSAGE - len(last) - 1
    return fit(" ".join([fit(" ".join(head), max(room, 1)), last]) if head else last)


def remove_repeats(parts: list[str]) -> list[str]:
    """Return the parts without each sentence that another sentence contains. If two sentences are equal, the later
    sentence stays.

    Messages of other programs often repeat themselves, or repeat a message of this project.
    """
    split = [_BETWEEN.split(part) for part in parts]
    plain = [_extract_words(sentence) for found in split for sentence in found]
    kept = iter([not _is_said_elsewhere(place, plain) for place in range(len(plain))])
    left = [" ".join(sentence for sentence in found if next(kept)) for found in split]
    return [part for part in left if part]


def _extract_words(sentence: str) -> str:
    """Return the words of a sentence in lower case between spaces. So a search for one sentence in another one finds
    only whole words."""
    return f" {' '.join(_WORD.findall(sentence.casefold()))} "


def _is_said_elsewhere(place: int, plain: list[str]) -> bool:
    own = plain[place]
    others = ((at, other) for at, other in enumerate(plain) if at != place and own in other)
    return bool(own.strip()) and any(len(other) > len(own) or at > place for at, other in others)


def split_advice(message: str) -> tuple[str, str]:
    """Split a message of ``format_message`` into two texts. The first text has all sentences except the last
    sentence. The second text is the last sentence, which is the advice. If the message has one sentence, the advice
    is empty."""
    *found, last = _BETWEEN.split(message)
    return (" ".join(found), last) if found else (last, "")


def format_message(reason: Reason, *parts: str, given_up: str = "", advice: str = "") -> str:
    """Return a message with the finding in ``parts`` and with the advice.

    Without ``advice``, the message has the advice of the reason. If the first part is empty, the finding of the reason
    replaces that part. ``given_up`` states why no other run follows.
    """
    row = info(reason)
    text, *more = parts or ("",)
    last = advice or row.advice
    found = " ".join(
        sentence for sentence in _BETWEEN.split(text.strip()) if _extract_words(sentence) != _extract_words(last)
    )
    return join_sentences(append_final_cause(found or row.finding, given_up), *more, last)


def append_final_cause(found: str, given_up: str) -> str:
    """Return one sentence with the finding and the reason why no other try follows. An example of ``given_up`` is
    ``Given up after 3 of 3 attempts``."""
    if not (given_up and found):
        return found or given_up
    return f"{found.rstrip(' .')}; {given_up[0].lower()}{given_up[1:]}."


def format_duration(milliseconds: int) -> str:
    """Return a duration in the format of video players, rounded to seconds: 0:07, 12:34, 1:02:03."""
    minutes, seconds = divmod((milliseconds + 500) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_time(moment: datetime) -> str:
    """Return a time in the format of messages."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Sentences for people that fit the API's bounds."""

from datetime import datetime

from videoimport.api.reasons import Reason, info
from videoimport.api.redact import shown_text

MAX_MESSAGE = 1024


def fit(text: str, limit: int = MAX_MESSAGE) -> str:
    """``text`` in at most ``limit`` characters; what is cut off shows as an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def sentences(*parts: str) -> str:
    """The parts that say something, each ended like a sentence, within a message's bounds. The last part is never
    the one that is cut: it holds the advice or the time. All messages pass through here, the cluster's and the workers'
    words among them, so URLs lose their secrets here."""
    said = [shown_text(part.strip()) for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in said]
    *head, last = ended or [""]
    room = MAX_MESSAGE - len(last) - 1
    return fit(" ".join([fit(" ".join(head), max(room, 1)), last]) if head else last)


def advised(reason: Reason, *parts: str) -> str:
    """A message with the reason's advice at its end."""
    return sentences(*parts, info(reason).advice)


def span(milliseconds: int) -> str:
    """A duration as players show it: 0:07, 12:34, 1:02:03, to the nearest second."""
    minutes, seconds = divmod((milliseconds + 500) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def clock(moment: datetime) -> str:
    """A moment as messages show it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

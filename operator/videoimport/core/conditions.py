"""Conditions of a resource. The decisions give the types, statuses, reasons and messages of the conditions. This
module adds the other fields from the old conditions.

The transition time of a condition changes only with the condition's status.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from videoimport.api.conditions import Condition, ConditionType
from videoimport.api.redaction import shown_text
from videoimport.api.untrusted_text import fit

MILESTONES = (ConditionType.VALIDATED, ConditionType.TRANSCODED, ConditionType.UPLOADED)
Truth = Literal["True", "False", "Unknown"]


class Ending(StrEnum):
    """The three possible reasons of the condition Finished=True."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


@dataclass(frozen=True, slots=True)
class Fact:
    """A condition without transition time and generation."""

    type: ConditionType
    status: Truth
    reason: str
    message: str = ""


def build_state_facts(ending: Ending | None, reason: str, message: str, *, rests: bool = False) -> tuple[Fact, ...]:
    """Return the conditions Ready, Reconciling, Stalled (kstatus) and Finished, without transition time and generation.

    ``reason`` is the cause of the present status, as one CamelCase name. ``rests`` is true for a suspended resource.
    Such a resource is neither finished nor being reconciled.
    """
    works, stalled = ending is None and not rests, ending in (Ending.FAILED, Ending.CANCELLED)
    return (
        Fact(ConditionType.READY, _format_truth(ending is Ending.SUCCEEDED), reason, message),
        Fact(ConditionType.RECONCILING, _format_truth(works), reason, "" if ending else message),
        Fact(ConditionType.STALLED, _format_truth(stalled), reason, message if stalled else ""),
        Fact(
            ConditionType.FINISHED, _format_truth(ending is not None), ending or "InProgress", message if ending else ""
        ),
    )


def build_milestone(kind: ConditionType, *, reached: bool, ending: Ending | None) -> Fact:
    """Return the condition Validated, Transcoded or Uploaded, without transition time and generation."""
    not_yet = "Pending" if ending is None else "NotReached"
    return Fact(kind, _format_truth(reached), "Done" if reached else not_yet)


def merge_conditions(
    old: tuple[Condition, ...], facts: Iterable[Fact], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return these conditions with transition time and generation. A transition time changes only with its condition's
    status. ``now`` is in UTC and in whole seconds."""
    facts, before = tuple(facts), {condition.type: condition for condition in old}
    messages = {text: shown_text(fit(text)) for text in {fact.message for fact in facts} - {""}} | {"": ""}
    return tuple(
        _build_condition(before.get(fact.type), fact, messages[fact.message], generation, now) for fact in facts
    )


def is_true(conditions: tuple[Condition, ...], kind: ConditionType) -> bool:
    """Return whether the condition exists and is True."""
    return any(condition.type == kind and condition.status == "True" for condition in conditions)


def _build_condition(old: Condition | None, fact: Fact, message: str, generation: int, now: datetime) -> Condition:
    """Return the old condition if nothing has changed, which is the usual case, or else a new condition. The model's
    validators do not run, because the values come from this file. Validators would also check a message again for each
    condition that has this message."""
    said = (fact.status, fact.reason, message, generation)
    if old and (old.status, old.reason, old.message, old.observed_generation) == said:
        return old
    return Condition.model_construct(
        type=fact.type.value,
        status=fact.status,
        reason=str(fact.reason),
        message=message,
        last_transition_time=old.last_transition_time if old and old.status == fact.status else now,
        observed_generation=generation,
    )


def _format_truth(value: bool) -> Truth:
    return "True" if value else "False"

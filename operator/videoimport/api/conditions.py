"""Conditions as kstatus and the Kubernetes API conventions write them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Message, Model, Timestamp
from videoimport.api.rules.validation import Checked, requires

_ONE_WORD = requires(
    "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", "a condition's reason is one CamelCase word that begins with a letter."
)


class ConditionType(StrEnum):
    """The condition types of both resources; a BulkImport has AllSucceeded, a VideoImport the three of its stages."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    FINISHED = "Finished"
    VALIDATED = "Validated"
    TRANSCODED = "Transcoded"
    UPLOADED = "Uploaded"
    ALL_SUCCEEDED = "AllSucceeded"


class Condition(Model):
    """One observation of the resource's state (metav1.Condition)."""

    type: Annotated[str, Field(max_length=316)]
    """The condition's name, such as Ready or Finished."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=1024), Checked((_ONE_WORD,))]
    """One CamelCase word for the last transition."""
    message: Message = ""
    """A sentence for people."""
    last_transition_time: Timestamp
    """When the status last changed from one value to another."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The metadata.generation that this condition belongs to."""

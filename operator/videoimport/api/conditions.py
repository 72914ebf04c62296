"""Conditions that follow kstatus and the Kubernetes API conventions."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.field_types import Message, Timestamp
from videoimport.api.rules.validation import Checked, requires

_ONE_WORD = requires(
    "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", "a condition's reason is one CamelCase word that begins with a letter."
)


class ConditionType(StrEnum):
    """The condition types of both resources. Only a BulkImport has AllSucceeded. Only a VideoImport has Validated,
    Transcoded and Uploaded."""

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
    """The type of the condition, such as Ready or Finished."""
    status: Literal["True", "False", "Unknown"]
    """The state of the condition: True, False or Unknown."""
    reason: Annotated[str, Field(max_length=1024), Checked((_ONE_WORD,))]
    """The reason of the last transition, in one CamelCase word."""
    message: Message = ""
    """A sentence for users."""
    last_transition_time: Timestamp
    """Time of the last change of the status from one value to another."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The metadata.generation to which this condition belongs."""

"""Handling of stored objects that the models cannot read: the plan that fails an object, and the message about the
problem.

Such an object was stored under another schema, or without the checks of the API server.
"""

from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from videoimport.api.base import Model
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.api.labels import BULK_KIND
from videoimport.api.reasons import Reason
from videoimport.api.rules.validation import BrokenRuleError
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.conditions import (
    MILESTONES,
    Ending,
    build_milestone,
    build_state_facts,
    is_true,
    merge_conditions,
)
from videoimport.core.message_format import format_message, join_sentences
from videoimport.core.plan import Plan, PlannedEvent
from videoimport.core.video_status import build_upload_status

M = TypeVar("M", bound=Model)
AnyStatus = VideoImportStatus | BulkImportStatus


def refuse(raw: dict[str, Any], problem: str, now: datetime) -> Plan[Any]:
    """Return the plan that sets an unreadable object to failed with the reason InvalidSpec.

    A corrected spec has a new generation, which starts the object again. Imported results are kept. If only the status
    cannot be read, the plan is empty, because a newer controller wrote that status.
    """
    meta, moment = raw.get("metadata") or {}, now.replace(microsecond=0)
    if "deletionTimestamp" in meta or _has_foreign_status(raw):
        return Plan()
    message, generation = format_message(Reason.INVALID_SPEC, problem), int(meta.get("generation") or 0)
    refused = _refuse_bulk if raw.get("kind") == BULK_KIND else _refuse_video
    old, new = refused(raw.get("status") or {}, message, generation, moment)
    if old == new:
        return Plan()
    words = join_sentences(f"{Reason.INVALID_SPEC}: {message}")
    stamped = new.model_copy(update={"updated_time": moment})
    return Plan(stamped, planned_events=(PlannedEvent("Warning", "Failed", words),))


def _has_foreign_status(raw: dict[str, Any]) -> bool:
    """Return whether only the status makes the object unreadable."""
    kind, status = (BulkImport, BulkImportStatus) if raw.get("kind") == BULK_KIND else (VideoImport, VideoImportStatus)
    without = {key: value for key, value in raw.items() if key != "status"}
    return _is_valid(kind, without) and not _is_valid(status, raw.get("status") or {})


def _is_valid(model: type[Model], raw: dict[str, Any]) -> bool:
    try:
        model.model_validate(raw)
    except ValidationError:
        return False
    return True


def describe_problem(error: ValidationError) -> str:
    """Return a message with the first invalid field and its problem. The message never contains the value, because
    the value may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    broken = first.get("ctx", {}).get("error")
    if isinstance(broken, BrokenRuleError):
        within, message = broken.broken[0]
        return f"{field}{within}: {message}"
    return f"{field}: {first['msg'].removeprefix('Value error, ')}"


def _refuse_video(status: dict[str, Any], message: str, generation: int, now: datetime) -> tuple[AnyStatus, AnyStatus]:
    old = _read_valid_fields(VideoImportStatus, status)
    if old.phase is VideoPhase.COMPLETED:
        return old, old
    milestones = (build_milestone(k, reached=is_true(old.conditions, k), ending=Ending.FAILED) for k in MILESTONES)
    facts = (*build_state_facts(Ending.FAILED, Reason.INVALID_SPEC, message), *milestones)
    new = old.model_copy(
        update={
            "observed_generation": generation,
            "observed_spec_hash": None,
            "phase": VideoPhase.FAILED,
            "reason": Reason.INVALID_SPEC,
            "message": message,
            "conditions": merge_conditions(old.conditions, facts, generation, now),
            "completion_time": old.completion_time or now,
        }
    )
    return old, new.model_copy(update={"upload": build_upload_status(new)})


def _refuse_bulk(status: dict[str, Any], message: str, generation: int, now: datetime) -> tuple[AnyStatus, AnyStatus]:
    old = _read_valid_fields(BulkImportStatus, status)
    facts = build_state_facts(Ending.FAILED, Reason.INVALID_SPEC, message)
    new = old.model_copy(
        update={
            "observed_generation": generation,
            "phase": BulkPhase.FAILED,
            "message": message,
            "conditions": merge_conditions(old.conditions, facts, generation, now),
            "completion_time": old.completion_time or now,
        }
    )
    return old, new


def _read_valid_fields(model: type[M], status: dict[str, Any]) -> M:
    """Return the present status, or only its readable fields if the whole status cannot be read. The next start needs
    the run number, and users must see the outputs."""
    try:
        return model.model_validate(status)
    except ValidationError as problem:
        strange = {error["loc"][0] for error in problem.errors() if error["loc"]}
    return model.model_validate({key: value for key, value in status.items() if key not in strange})

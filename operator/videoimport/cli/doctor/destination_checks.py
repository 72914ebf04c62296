"""The check of a destination. Every import runs the same test before it fetches its source.

The test writes small objects and removes them. It runs on this machine, with the user's copy of the keys, because the
Secrets of the cluster must not leave the cluster. So it does not test the network of the cluster.
"""

import uuid
from contextlib import suppress
from datetime import UTC, datetime

from videoimport.api.destination import Destination
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImportSpec, spec_hash
from videoimport.cli.destination.access_options import DestinationAccess
from videoimport.cli.destination.store_access import describe_failure, opened, with_keys
from videoimport.cli.doctor.check import Check
from videoimport.cli.errors import UnusableError
from videoimport.worker.pipeline.destination import Place, writable
from videoimport.worker.runtime.errors import ImportFailure


def check_destination(destination: Destination, access: DestinationAccess) -> Check:
    """Write and remove small objects in the destination."""
    try:
        with opened(destination, access) as store:
            task = _build_task(with_keys(destination, access.keys) if destination.s3 else destination)
            place = Place(store, task, lambda: datetime.now(UTC))
            try:
                writable(place)
            except ImportFailure as failure:
                with suppress(ImportFailure):  # no later run of an import removes the note of this one
                    place.notebook.forget()
                return Check("Destination", "failed", describe_failure(failure), "Then run doctor again.")
    except UnusableError as error:
        return Check("Destination", "failed", str(error))
    return Check("Destination", "ok", "Objects can be written and removed, from this machine.")


def _build_task(destination: Destination) -> Task:
    """Return the task of an import with a random UID. So the test cannot change an object of a real import."""
    uid = str(uuid.uuid4())
    spec = VideoImportSpec.model_validate(
        {"source": {"url": "https://example.com/probe.mp4"}, "destination": destination}
    )
    return Task(uid=uid, namespace="default", name=f"doctor-{uid[:8]}", run=1, spec=spec, spec_hash=spec_hash(spec))

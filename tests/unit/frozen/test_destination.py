"""What an import writes into its destination: results, their metadata, and the documents below ``.videoimport/``."""

import json
from typing import Any

from support import golden_files
from support.golden_files import fields_of
from support.sample_import import NOW, SPEC, TASK, SampleImport, without_chance
from videoimport.api import folder_layout as layout
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.storage import commit_record as record
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.commit_record import Finished, Intent
from videoimport.worker.storage.name_reservation import Reservation
from videoimport.worker.storage.upload_journal import Note
from videoimport.worker.storage.video_index import Claimed, Committed
from videoimport.worker.storage.volume.metadata import Side, side_key

RECORD = naming.record_key(SPEC.destination, TASK.uid)
NOTE = naming.own_key(SPEC.destination, "uploads", f"{TASK.uid}.json")


def test_result_json(imported: SampleImport) -> None:
    golden_files.check("result-json", imported.result)


def test_commit_record(imported: SampleImport) -> None:
    intent, finished = imported.versions(RECORD)
    assert json.loads(intent.pop("result")) == imported.result
    golden_files.check("commit-record", {"intent": intent, "finished": finished})


def test_index_entries(imported: SampleImport) -> None:
    found = {key: imported.versions(key) for key in imported.store.versions if "/index/" in key}
    golden_files.check("index-entries", found)


def test_upload_note(imported: SampleImport) -> None:
    first, *_, last = imported.store.versions[NOTE]
    golden_files.check("upload-note", {"announced": first, "last": last})


def test_side_file(imported: SampleImport) -> None:
    own = naming.own_key(SPEC.destination)
    content = imported.store.read(side_key(own, "in/talks/talk/video.mp4"))
    assert content is not None
    golden_files.check("side-file", json.loads(without_chance(content.body.decode())))


def test_paths(imported: SampleImport) -> None:
    files = sorted(imported.store.keys("in/"))
    during = {key for key in imported.store.versions if key not in files}
    golden_files.check("destination-paths", {"after": files, "during": sorted(during)})


def test_object_metadata(imported: SampleImport) -> None:
    content_types = {key: layout.content_type(key) for key in imported.objects}
    metadata, *others = imported.objects.values()
    assert all(other == metadata for other in others)
    golden_files.check("object-metadata", {"metadata": metadata, "contentTypes": content_types})


def test_documents_are_read_as_they_were_written(imported: SampleImport) -> None:
    place = Place(imported.store, TASK, lambda: NOW)
    intent, finished = imported.store.versions[RECORD]
    assert Intent.model_validate(intent).wire() == intent
    assert Finished.model_validate(finished).wire() == finished
    found = record.read(place.scope, RECORD)
    assert found is not None
    assert found.wire() == finished
    entries = [key for key in imported.store.versions if "/index/" in key]
    assert [index.look(place.scope, key) is not None for key in entries] == [True, True]


DOCUMENTS: dict[str, dict[str, Any]] = {
    "Intent": fields_of(Intent, "report"),
    "Finished": fields_of(Finished),
    "Claimed": fields_of(Claimed),
    "Committed": fields_of(Committed),
    "Note": fields_of(Note),
    "Reservation": fields_of(Reservation),
    "Side": fields_of(Side),
}


def test_fields_of_documents() -> None:
    golden_files.check("fields-of-documents", DOCUMENTS)

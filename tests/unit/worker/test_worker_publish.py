"""Publishing: whatever happens between the first part and the video, nothing is left of an upload that failed."""

from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from videoimport.api.reasons import Reason
from videoimport.api.report import Report
from videoimport.api.status import OutputFile, Outputs
from videoimport.api.task import Task, spec_hash
from videoimport.api.videoimport import VideoImportSpec
from videoimport.worker import publish, upload
from videoimport.worker.destination import Store
from videoimport.worker.errors import ImportFailure, Interruption
from videoimport.worker.pipeline import success
from videoimport.worker.preflight import Place
from videoimport.worker.progress import Board
from videoimport.worker.publish import Parcel

KEY = "in/clip/video.mp4"
SPEC = VideoImportSpec.model_validate(
    {"source": {"url": "https://e.com/v.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
)
TASK = Task(uid="u", namespace="team", name="clip", run=1, spec=SPEC, spec_hash=spec_hash(SPEC))


def client() -> Mock:
    """A store that takes parts and has nothing yet."""
    made = Mock()
    made.list_multipart_uploads.return_value = {}
    made.create_multipart_upload.return_value = {"UploadId": "ours"}
    made.upload_part.return_value = {"ETag": "e"}
    made.head_object.side_effect = ClientError({"Error": {"Code": "404"}}, "HeadObject")
    return made


def publishing(tmp_path: Path, store: Mock, told: Any) -> Report:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"video")
    place = Place(Store(cast("Any", store), "videos"), TASK)
    return publish.publish(place, Parcel(path, KEY, upload.digest(path)), lambda _: None, told, checksums=False)


@pytest.mark.parametrize("end", [ValueError("a bug"), Interruption(Reason.WORKER_LOST, "SIGTERM")])
def test_parts_are_taken_back_when_it_ends_before_they_are_shown(tmp_path: Path, end: BaseException) -> None:
    store = client()
    with pytest.raises(type(end)):
        publishing(tmp_path, store, Mock(side_effect=end))
    store.upload_part.assert_called_once()
    store.abort_multipart_upload.assert_called_once_with(Bucket="videos", Key=KEY, UploadId="ours")
    store.complete_multipart_upload.assert_not_called()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "ListMultipartUploads"),
        EndpointConnectionError(endpoint_url="http://s3"),
        ReadTimeoutError(endpoint_url="http://s3"),
        ConnectionResetError("reset"),
    ],
)
def test_leftovers_that_cannot_be_listed_stop_nothing(error: Exception) -> None:
    store = client()
    store.list_multipart_uploads.side_effect = error
    assert upload.abort_leftovers(Store(cast("Any", store), "videos"), KEY) == 0


def test_a_store_that_went_away_is_named_as_such(tmp_path: Path) -> None:
    store = client()
    store.list_multipart_uploads.side_effect = EndpointConnectionError(endpoint_url="http://s3")
    store.create_multipart_upload.side_effect = EndpointConnectionError(endpoint_url="http://s3")
    with pytest.raises(ImportFailure) as caught:
        publishing(tmp_path, store, Mock())
    assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE


def test_the_longest_key_can_be_reported() -> None:
    uri = "s3://" + "b" * 63 + "/" + "k" * 1024
    report = success(TASK, Board(1), Outputs(video=OutputFile(uri=uri)))
    assert len(report.message) == 1024
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert report.outputs.video.uri == uri

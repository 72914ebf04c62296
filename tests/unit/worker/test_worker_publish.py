"""What a report may say, and what an upload's end says of the store."""

from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.status import OutputFile, Outputs
from videoimport.api.task import Task, spec_hash
from videoimport.api.videoimport import VideoImportSpec
from videoimport.worker.errors import ImportFailure
from videoimport.worker.growing import Growing
from videoimport.worker.progress import Board
from videoimport.worker.s3 import S3Store
from videoimport.worker.telling import success

KEY = "in/clip/video.mp4"
SPEC = VideoImportSpec.model_validate(
    {"source": {"url": "https://e.com/v.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
)
TASK = Task(uid="u", namespace="team", name="clip", run=1, spec=SPEC, spec_hash=spec_hash(SPEC))


def store(client: Mock) -> S3Store:
    return S3Store(cast("Any", client), S3Destination(bucket="videos"))


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "ListMultipartUploads"),
        EndpointConnectionError(endpoint_url="http://s3"),
        ReadTimeoutError(endpoint_url="http://s3"),
        ConnectionResetError("reset"),
    ],
)
def test_uploads_that_cannot_be_listed_stop_nothing_and_are_not_none(error: Exception) -> None:
    client = Mock()
    client.list_multipart_uploads.side_effect = error
    assert store(client).unfinished(KEY) is None


def test_a_store_that_lists_no_uploads_has_none() -> None:
    client = Mock()
    error = ClientError({"Error": {"Code": "NotImplemented"}}, "ListMultipartUploads")
    client.list_multipart_uploads.side_effect = error
    assert store(client).unfinished(KEY) == []


def test_a_store_that_went_away_is_named_as_such(tmp_path: Path) -> None:
    client = Mock()
    client.create_multipart_upload.return_value = {"UploadId": "ours"}
    client.upload_part.side_effect = EndpointConnectionError(endpoint_url="http://s3")
    path = tmp_path / "video.mp4"
    path.write_bytes(b"video")
    upload = store(client).begin(KEY, "video/mp4", {})
    with pytest.raises(ImportFailure) as caught:
        upload.send(Growing(path, finished=True), lambda _: None)
    assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE


def test_the_longest_key_can_be_reported() -> None:
    uri = "s3://" + "b" * 63 + "/" + "k" * 1024
    report = success(TASK, Board(1), Outputs(video=OutputFile(uri=uri)), "f" * 64)
    assert len(report.message) == 1024
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert report.outputs.video.uri == uri

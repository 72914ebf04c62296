"""What the store that uploads to S3 makes of answers, and which places it refuses."""

from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.storage.s3.store import S3Store, connect

KEY = "in/clip/video.mp4"


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


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"endpoint": "http://my_store:9000"}, "endpoint"),
        ({"endpoint": "http://h:99999/"}, "endpoint"),
        ({"endpoint": "https://[::1/x"}, "endpoint"),
        ({"region": "-"}, "region"),
    ],
)
def test_a_place_that_is_none_names_its_field(place: dict[str, str], field: str) -> None:
    with pytest.raises(ImportFailure, match=f"destination.s3.{field}") as caught:
        connect(S3Destination(bucket="videos").model_copy(update=place), None)  # as an older API server took it
    assert caught.value.reason is Reason.INVALID_SPEC

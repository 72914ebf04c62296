"""The request after one whose body was not sent."""

from http import HTTPStatus
from io import BytesIO

import pytest
from botocore.exceptions import ClientError

from support.local_server import QuietHandler, serving
from videoimport.api.destination import S3Destination
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.s3.client import client


class WaitingForBody(QuietHandler):
    """A store that refuses a write before its body comes, and then takes the next bytes for this body, as hyper may."""

    protocol_version = "HTTP/1.1"

    def handle_expect_100(self) -> bool:
        """Refuse, and read the body that the headers announced."""
        self._answer(HTTPStatus.PRECONDITION_FAILED)
        self.rfile.read(int(self.headers["Content-Length"]))
        return False

    def do_DELETE(self) -> None:
        """Delete nothing."""
        self._answer(HTTPStatus.NO_CONTENT)

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_no_request_is_taken_for_a_body_that_was_not_sent() -> None:
    with serving(WaitingForBody) as port:
        place = S3Destination.model_validate({"endpoint": f"http://127.0.0.1:{port}", "bucket": "media"})
        store = client(place, Keys("AKID", "SECRET", None), read_seconds=5, attempts=1, connections=1)
        with pytest.raises(ClientError) as refused:
            store.put_object(Bucket="media", Key="a", Body=BytesIO(b"a" * 64), IfNoneMatch="*")
        deleted = store.delete_object(Bucket="media", Key="b")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.PRECONDITION_FAILED
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NO_CONTENT

"""What messages of the Range client name: the field in which the user wrote it, of an import or of a list."""

import pytest
from urllib3.exceptions import ProxyError

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http import client
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.runtime.errors import ImportFailure


@pytest.mark.parametrize("field", ["spec.source.url", "spec.source.manifest.url"])
def test_an_address_that_is_none_is_told_by_its_field(field: str) -> None:
    with pytest.raises(ImportFailure) as caught:
        Browser(1.0, url_field=field).get("http://[::1/list.txt", {})
    assert (caught.value.reason, caught.value.message) == (
        Reason.INVALID_SPEC,
        f"{field} is not an address; correct it.",
    )


@pytest.mark.parametrize("field", ["spec.worker.proxy", "spec.template.worker.proxy"])
def test_a_proxy_that_refuses_is_told_by_its_field(field: str) -> None:
    failure = client._failure(ProxyError("x", OSError()), "h.example", field)
    assert isinstance(failure, Interrupted)
    assert str(failure) == f"the proxy of {field} refuses a connection to h.example"

"""Cookies of a Secret, in the format of Netscape."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.reasons import Reason
from videoimport.worker.fetch import netscape_cookies as netscape
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.http import cookies
from videoimport.worker.runtime.errors import ImportFailure


class TestCookies:
    LINES = (
        "# Netscape HTTP Cookie File",
        "",
        ".e.com\tTRUE\t/\tTRUE\t0\tall\t1",
        "#HttpOnly_e.com\tFALSE\t/private\tFALSE\t9999999999\tone\t2",
        "e.com\tFALSE\t/\tFALSE\t1000\told\t3",
    )

    @pytest.mark.parametrize(
        ("url", "sent"),
        [
            ("https://e.com/", "all=1"),
            ("http://e.com/", None),
            ("https://cdn.e.com/", "all=1"),
            ("http://e.com/private/x", "one=2"),
            ("https://evil.com/", None),
            ("https://note.com/", None),
        ],
    )
    def test_each_goes_where_it_belongs(self, url: str, sent: str | None) -> None:
        secrets = WebSecrets(cookies=netscape.cookies(self.LINES, "s", now=2000))
        assert cookies.header(secrets.jar(), url).get("Cookie") == sent

    @given(some.text())
    def test_any_line_is_a_cookie_or_a_failure(self, line: str) -> None:
        with contextlib.suppress(ImportFailure):
            netscape.cookies([line], "s", now=0)

    @pytest.mark.parametrize("expires", ["soon", "nan", "inf", "1e999"])
    def test_a_time_that_is_none_is_told_by_its_line(self, expires: str) -> None:
        with pytest.raises(ImportFailure) as caught:
            netscape.cookies(["", f"e.com	FALSE	/	FALSE	{expires}	n	v"], "s", now=0)
        assert caught.value.reason is Reason.CREDENTIALS_NOT_FOUND
        assert "Line 2" in caught.value.message

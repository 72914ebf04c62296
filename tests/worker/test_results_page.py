"""The results page in headless Chromium: the pictures are drawn, and no request leaves the page."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite
from videoimport.cli.results.html_page import ProblemItem, ResultsPage, Tile, render_page

SECONDS = 120
GREEN = "0x00ff00"


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    path = tmp_path / "green.jpg"
    color = f"color=c={GREEN}:s=320x180:d=1"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", color, "-frames:v", "1", path], check=True)
    return path.read_bytes()


def drawn(page: Path, folder: Path) -> bytes:
    """The screenshot as bytes of red, green and blue."""
    shot = folder / "page.png"
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    subprocess.run(
        [*browser, f"--screenshot={shot}", "--window-size=1000,900", page.as_uri()],
        check=True, capture_output=True, timeout=SECONDS,
    )  # fmt: skip
    argv = ["ffmpeg", "-v", "error", "-i", shot, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    return subprocess.run(argv, check=True, capture_output=True).stdout


def green_pixels(colors: bytes) -> int:
    red, green, blue = colors[0::3], colors[1::3], colors[2::3]
    return sum(g > 230 and r < 60 and b < 60 for r, g, b in zip(red, green, blue, strict=True))


def test_pictures_are_drawn_and_nothing_is_requested(tmp_path: Path, picture: bytes) -> None:
    with FakeSourceSite() as site:
        trap = site.url("/trap")
        hostile = f"</style><img src={trap}><script>fetch('{trap}')</script><link rel=stylesheet href={trap}>"
        page = ResultsPage(
            title=hostile, headline=hostile, counts=[(hostile, 1)],
            failed=[ProblemItem(hostile, trap, hostile, hostile)], rejected=[],
            videos=[Tile(hostile, trap, "0:10", "", picture), Tile("b", trap, "0:10", "", picture)],
            open=[hostile], time=datetime(2026, 1, 2, tzinfo=UTC),
        )  # fmt: skip
        path = tmp_path / "page.html"
        path.write_text(render_page(page))
        assert green_pixels(drawn(path, tmp_path)) > 2 * 100 * 50
        assert site.asked("/trap") == []

        path.write_text(f"<img src={trap}>")  # the browser does request what a page without a policy names
        assert green_pixels(drawn(path, tmp_path)) == 0
        assert site.asked("/trap") != []

"""What the fetching process reports."""

from videoimport.worker.fetch.process_messages import identity


def test_identities_hold_no_address() -> None:
    assert "secret" not in identity("url", "https://e.com/?token=secret", '"a"')
    assert identity("url", "ab", "c") != identity("url", "a", "bc")

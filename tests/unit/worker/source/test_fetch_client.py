"""The environment of the fetching process."""

from typing import Any

from videoimport.worker.source.sandboxed_child import environment


def test_the_fetching_process_inherits_neither_keys_nor_proxies(tmp_path: Any) -> None:
    outer = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "HTTPS_PROXY": "http://p", "no_proxy": "*", "LANG": "C"}
    made = environment(outer, tmp_path)
    assert made["PATH"] == "/bin"
    assert made["YTDLP_NO_PLUGINS"] == "1"
    assert made["HOME"] == str(tmp_path)
    assert not {name for name in made if "proxy" in name.lower() or name.startswith("AWS")}

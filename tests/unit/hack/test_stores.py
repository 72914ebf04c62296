from pathlib import Path

import pytest

import stores
from cluster.errors import ClusterError


@pytest.mark.parametrize("name", stores.STORES)
def test_each_store_is_pinned(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert stores.main(["--version", name]) == 0
    assert capsys.readouterr().out[0].isdigit()


def test_an_unknown_store_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert stores.main(["nobody"]) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in stores.STORES)


def test_what_is_made_once_is_there_whole_and_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOIMPORT_CACHE", str(tmp_path))
    made: list[Path] = []

    def failing(folder: Path, _log: Path) -> None:
        (folder / "half").touch()
        raise ClusterError("no network")

    def making(folder: Path, _log: Path) -> None:
        assert not (folder / "half").exists()
        made.append(folder)

    with pytest.raises(ClusterError):
        stores._made("x", failing)
    assert stores._made("x", making) == stores._made("x", making) == made[0]
    assert len(made) == 1


def test_a_crate_without_cargo_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOIMPORT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="cargo"):
        stores.STORES["s3s-fs"].obtain()

from pathlib import Path

import pytest

import name_rules


def package(folder: Path, core: str, worker: str = "") -> Path:
    for name, content in (("core", core), ("worker", worker)):
        (folder / name).mkdir()
        (folder / name / "module.py").write_text(content)
    return folder


@pytest.mark.parametrize(
    ("core", "problem"),
    [
        ("def status(): ...\ndef find_job(): ...\ndef phase(): ...", "start with a verb"),
        ("def find_job(): ...\ndef seen(): ...", "seen"),
        ("def find_job(): ...\ndef _waiting_long(): ...", "_waiting_long"),
        ("class Page: ...\nclass _Page: ...", "Class Page"),
    ],
)
def test_a_name_that_breaks_a_rule_is_shown(tmp_path: Path, core: str, problem: str) -> None:
    assert any(problem in one for one in name_rules.problems(package(tmp_path, core)))


def test_a_class_in_two_packages_is_shown(tmp_path: Path) -> None:
    found = name_rules.problems(package(tmp_path, "def find_job(): ...\nclass Page: ...", "class Page: ..."))
    assert found == ["Class Page is defined in core/module.py and in worker/module.py."]


def test_properties_and_special_methods_do_not_count(tmp_path: Path) -> None:
    core = (
        "class Job:\n    def __len__(self): ...\n    @property\n    def ended(self): ...\n    def find_pod(self): ..."
    )
    assert name_rules.problems(package(tmp_path, core)) == []

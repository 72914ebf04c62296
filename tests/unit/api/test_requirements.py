"""Requirements on a source."""

from videoimport.api.requirements import Requirements


def test_a_quantity_may_be_written_as_an_integer() -> None:
    assert Requirements.model_validate({"maxSize": 1048576}).max_size == "1048576"


def test_written_requirements_mean_the_documented_defaults() -> None:
    assert Requirements().wire() == {
        "damage": "Refuse",
        "minHeight": 360,
        "maxHeight": 1080,
        "maxDurationSeconds": 21600,
        "formats": ["mp4", "mkv", "mov", "webm"],
    }

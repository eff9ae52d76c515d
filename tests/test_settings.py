"""Settings saved by the dashboard: all changes or none, in a file that only the owner reads."""

import json
import os
import stat
from pathlib import Path

import pytest

from runner.domain.errors import ProjectError, UsageError
from runner.settings import Settings, load_settings, save_settings, table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def loaded(file: Path) -> Settings:
    return load_settings(file, {}, {})


def test_what_is_saved_is_loaded(file: Path):
    save_settings(file, {"stop_grace_seconds": 9, "cheap_model": "sonnet", "isolation": "guard"})
    found = loaded(file)
    assert (found.stop_grace_seconds, found.cheap_model, found.isolation) == (9, "sonnet", "guard")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_setting_can_be_saved(file: Path):
    values = {row.name: row.high if row.high is not None else (*row.choices, "opus")[-1] for row in table()}
    values["isolation"] = "cgroup"
    save_settings(file, values)
    assert json.loads(file.read_text()) == values
    assert loaded(file) == Settings(**values)  # type: ignore[arg-type]


def test_other_values_of_the_file_stay(file: Path):
    save_settings(file, {"stop_grace_seconds": 9, "server_port": 1234})
    file.chmod(0o644)
    save_settings(file, {"server_port": 4321})
    assert json.loads(file.read_text()) == {"stop_grace_seconds": 9, "server_port": 4321}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_makes_the_file_invalid_goes(file: Path):
    file.write_text('{"server_port": 0, "nonsense": 1, "keep_runs_days": 7}')
    save_settings(file, {"stop_grace_seconds": 9})
    assert json.loads(file.read_text()) == {"keep_runs_days": 7, "stop_grace_seconds": 9}
    file.write_text('{"server_port": 0}')
    save_settings(file, {"server_port": 81})
    assert loaded(file).server_port == 81


REFUSED: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "unknown": ({"nonsense": 1}, ("unknown setting 'nonsense'",)),
    "too low": ({"server_port": 0}, ("server_port must be a whole number from 1 to 65535, not 0",)),
    "too high": ({"server_port": 10**9}, ("server_port",)),
    "a truth value": ({"server_port": True}, ("server_port", "not True")),
    "a fraction": ({"server_port": 80.5}, ("server_port",)),
    "nothing": ({"server_port": None}, ("server_port",)),
    "a list": ({"isolation": []}, ("isolation must be one of auto, guard",)),
    "an option": ({"cheap_model": "--model"}, ("cheap_model is not a model name",)),
    "digits without end": ({"server_port": 10**5000}, ("server_port", "not that")),
    "text without end": ({"cheap_model": "x" * 10_000}, ("cheap_model", "…")),
    "several": (
        {"server_port": 0, "stop_grace_seconds": 9, "nonsense": 1, "cheap_model": 3},
        ("server_port", "nonsense", "cheap_model"),
    ),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_of_a_wrong_change_nothing_is_saved(file: Path, changes: dict[str, object], said: tuple[str, ...]):
    save_settings(file, {"stop_grace_seconds": 7})
    before = file.read_bytes()
    with pytest.raises(UsageError) as caught:
        save_settings(file, {"keep_runs_days": 5, **changes})
    assert all(words in caught.value.message for words in said)
    assert "keep_runs_days" not in caught.value.message
    assert len(caught.value.message) < 1000
    assert caught.value.hint
    assert file.read_bytes() == before


def test_no_change_makes_no_file(file: Path):
    save_settings(file, {})
    assert not file.exists()


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"server_port": 1, "server_port": 2}', b"[" * 60_000])
def test_a_file_that_cannot_be_read_is_not_replaced(file: Path, content: bytes):
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"settings\.json"):
        save_settings(file, {"server_port": 81})
    assert file.read_bytes() == content


def test_a_file_that_cannot_be_written_is_an_error_of_the_project(file: Path):
    with pytest.raises(ProjectError, match="cannot write"):
        save_settings(file.parent / "gone/settings.json", {"server_port": 81})
    assert os.listdir(file.parent) == []

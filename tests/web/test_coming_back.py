"""A browser that comes back says what it has, and of which database: a number alone may mean another event by now."""

from pathlib import Path

import pytest

from tests.web.house import House, house, noise


def test_browser_that_comes_back_hears_what_it_has_missed(home: House):
    with home.watching() as watcher:
        known = watcher.next("init")["payload"]
    home.tell(*noise(2))
    with home.watching(f"/ws?after={known['seq']}&of={known['database']}") as watcher:
        assert [watcher.next()["seq"] for _ in range(2)] == [known["seq"] + 1, known["seq"] + 2]


@pytest.mark.parametrize("of", ["0" * 32, "x", "%00"])
def test_browser_of_another_database_begins_anew(home: House, of: str):
    home.tell(*noise(1))
    with home.watching(f"/ws?after=0&of={of}") as watcher:
        assert watcher.next()["type"] == "init"


@pytest.mark.parametrize("path", ["/api/board", "/api/plan", "/api/batches"])
def test_slip_in_the_settings_hides_nothing(tmp_path: Path, path: str):
    with house(tmp_path, settings={"default_batch_list_limit": 1}) as here:
        assert here.get(path).status == 200
        (here.project / ".sprint-runner" / "settings.json").write_text('{"default_max_cycles": 2,}')
        assert here.get("/api/settings").status == 409
        assert here.get(path).status == 200

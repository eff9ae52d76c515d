"""The project's files over HTTP: agents write them, so what stands in their place may be anything."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.project import sprint_file
from tests.web.house import House, house
from web.access import SECURITY_HEADERS

NAMES = ("sprint-status.yaml", "orchestrator.md", "orchestrator.csv", "sprint-runner.csv")
EVIL = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
LARGE = 2 * 1024 * 1024 + 1


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose files are spoilt."""
    with house(tmp_path_factory.mktemp("files")) as here:
        yield here


@pytest.fixture
def place(files: House, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where a data file lies; it is as it was afterwards."""
    path = sprint_file(files.project).with_name(request.param)
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    yield path
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before)


def _directory(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # By way of the folder's descriptor: the path itself may be longer than an address.
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


SPOILT = {
    "missing": lambda path: None,
    "link to a secret": lambda path: path.symlink_to("/etc/passwd"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to memory": lambda path: path.symlink_to("/proc/self/environ"),
    "link to zeros": lambda path: path.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "folder": _directory,
    "socket": _socket,
    "too large": lambda path: path.write_bytes(b"x" * LARGE),
}


@pytest.mark.parametrize("place", NAMES, indirect=True)
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_only_regular_files_are_given_out(files: House, place: Path, spoil: Callable[[Path], object]):
    spoil(place)
    reply = files.get(f"/{place.name}", EVIL)
    assert reply.status == 404
    assert not reply["access-control-allow-origin"]
    assert reply.json["error"]


@pytest.mark.parametrize("place", NAMES, indirect=True)
def test_data_file_may_be_read_by_pages_of_any_origin(files: House, place: Path):
    place.write_text("a: <script>alert(1)</script>\n")
    reply = files.get(f"/{place.name}", EVIL)
    assert (reply.status, reply.body) == (200, place.read_bytes())
    assert reply["access-control-allow-origin"] == "*"
    assert not reply["access-control-allow-credentials"]
    assert reply["cross-origin-resource-policy"] == "cross-origin"
    assert reply["x-content-type-options"] == "nosniff"
    assert "html" not in reply["content-type"]
    assert "script" not in reply["content-security-policy"].replace("script-src 'self'", "")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_reading_is_allowed_to_other_origins(files: House, name: str):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert files.get(f"/{name}", EVIL, method=method).status == 403
    preflight = files.get(f"/{name}", {**EVIL, "Access-Control-Request-Method": "GET"}, method="OPTIONS")
    assert preflight.status == 403
    assert not preflight["access-control-allow-origin"]
    assert files.get(f"/{name}", {**EVIL, "Host": "evil.example"}).status == 421


@pytest.mark.parametrize("path", ["/story-descriptions.json", "/api/sprint-status", "/api/orchestrator-status", "/"])
def test_other_files_are_not_for_other_origins(files: House, path: str):
    reply = files.get(path, EVIL)
    assert reply.status == 403
    assert not reply["access-control-allow-origin"]
    assert not files.get(path)["access-control-allow-origin"]


def test_known_file_is_not_sent_again_and_no_page_learns_of_it(files: House):
    tag = files.get("/sprint-status.yaml")["etag"]
    reply = files.get("/sprint-status.yaml", {**EVIL, "If-None-Match": tag})
    assert (reply.status, reply.body) == (304, b"")
    assert not reply["access-control-allow-origin"]
    head = files.get("/sprint-status.yaml", EVIL, method="HEAD")
    assert (head.status, head["access-control-allow-origin"]) == (200, "*")


def test_sharing_can_be_switched_off(tmp_path: Path):
    with house(tmp_path, no_cors=True) as here:
        reply = here.get("/sprint-status.yaml")
        assert reply.status == 200
        assert not reply["access-control-allow-origin"]
        assert reply["cross-origin-resource-policy"] == SECURITY_HEADERS[b"cross-origin-resource-policy"].decode()
        assert here.get("/sprint-status.yaml", EVIL).status == 403


@dataclass(frozen=True, kw_only=True)
class Sprint:
    """A sprint file that is not as it should be."""

    name: str
    text: bytes
    statuses: tuple[int, ...] = (422,)

    def __str__(self) -> str:
        return self.name


BOMB = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (number, number, b",".join([b"*a%d" % (number - 1)] * 9)) for number in range(1, 10)
)
SPRINTS = [
    Sprint(name="bomb", text=BOMB),
    Sprint(name="itself", text=b"development_status: &a\n  1-1-one: *a\n"),
    Sprint(name="deep", text=b"[" * 100_000),
    Sprint(name="deep mappings", text=b"{a: " * 50_000),
    Sprint(name="no UTF-8", text=b"development_status:\n  1-1-\xff: done\n", statuses=(200, 422)),
    Sprint(name="null bytes", text=b"development_status:\n  1-1-one: done\0\n", statuses=(200, 422)),
    Sprint(name="objects", text=b"!!python/object/apply:os.system ['touch /tmp/x']\n"),
    Sprint(name="no mapping", text=b"- 1\n- 2\n"),
    Sprint(name="empty", text=b"", statuses=(200, 422)),
    Sprint(name="numbers and dates", text=b"x: .nan\ny: 9e999\nz: 2026-01-01\n? [1]\n: 2\n", statuses=(200, 422)),
    Sprint(name="large", text=b"development_status:\n" + b"  1-1-one: done\n" * 100_000),
    Sprint(
        name="endless key", text=b"development_status:\n  1-1-" + b"x" * 500_000 + b": done\n", statuses=(200, 422)
    ),
]


@pytest.mark.parametrize("place", NAMES[:1], indirect=True)
@pytest.mark.parametrize("sprint", SPRINTS, ids=str)
def test_broken_sprint_file_is_told_and_delays_nobody(files: House, place: Path, sprint: Sprint):
    place.write_bytes(sprint.text)
    began = time.monotonic()
    reply = files.get("/api/sprint-status")
    assert reply.status in sprint.statuses
    assert time.monotonic() - began < 5.0
    assert reply.json is not None
    assert "NaN" not in reply.body.decode()
    assert "Infinity" not in reply.body.decode()
    assert files.is_well()


@pytest.mark.parametrize("name", ["1-1-one.md", "story-1-1-one.md"])
@pytest.mark.parametrize("target", ["/etc/passwd", "/dev/zero", "/proc/self/environ"])
def test_story_file_that_is_a_link_tells_nothing(files: House, name: str, target: str):
    link = sprint_file(files.project).with_name(name)
    link.symlink_to(target)
    try:
        reply = files.get("/story-descriptions.json")
        assert (reply.status, name.removesuffix(".md") in reply.json) == (200, False)
    finally:
        link.unlink()

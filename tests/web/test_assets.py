"""The dashboard's files: packed for who takes that, said again only when they have changed, and never a lot."""

import gzip
from importlib.resources import files
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.web.house import House
from web import assets

PATHS = sorted(assets.load())


def ask(home: House, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with urlopen(Request(f"http://127.0.0.1:{home.port}{path}", headers=named), timeout=10) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


@pytest.mark.parametrize("path", PATHS)
def test_every_file_is_served_as_it_is(home: House, path: str):
    name = "index.html" if path == "/" else path.removeprefix("/")
    wanted = files("web").joinpath("static", name).read_bytes()
    status, headers, body = ask(home, path)
    assert (status, body) == (200, wanted)
    assert "content-encoding" not in headers
    status, headers, body = ask(home, path, Accept_Encoding="gzip, deflate, br")
    assert (status, headers["content-encoding"], gzip.decompress(body)) == (200, "gzip", wanted)
    assert headers["vary"] == "Accept-Encoding"
    assert "script-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity, gzip;q=0.0"])
def test_who_does_not_take_it_packed_is_not_given_it_so(home: House, accepted: str):
    status, headers, body = ask(home, "/main.js", Accept_Encoding=accepted)
    assert (status, body) == (200, assets.load()["/main.js"].body)
    assert "content-encoding" not in headers
    assert headers["vary"] == "Accept-Encoding"


def test_packed_or_not_it_is_the_same_page(home: House):
    tags = [home.get("/main.js", {"Accept-Encoding": accepted})["etag"] for accepted in ("identity", "gzip")]
    assert tags[0] == tags[1]
    for accepted in ("identity", "gzip"):
        again = home.get("/main.js", {"Accept-Encoding": accepted, "If-None-Match": tags[0]})
        assert (again.status, again.body, again["vary"]) == (304, b"", "Accept-Encoding")
    assert home.get("/main.js", {"If-None-Match": 'W/"other"'}).status == 200


@pytest.mark.parametrize("path", ["/main.js", "/api/settings"])
def test_tags_are_compared_as_tags(home: House, path: str):
    tag = home.get(path)["etag"]
    strong = tag.removeprefix("W/")
    for same in (tag, strong, f'"other", {tag}', "*"):
        assert home.get(path, {"If-None-Match": same}).status == 304
    assert home.get(path, {"If-None-Match": f'"x{strong[1:]}'}).status == 200


def test_what_packing_makes_no_shorter_is_left_as_it_is(tmp_path: Path):
    (tmp_path / "short.js").write_text("1")
    (tmp_path / "long.js").write_text("1;" * 1000)
    short, long = (assets._asset(name, tmp_path / name) for name in ("short.js", "long.js"))
    assert (short.packed, short.body) == (b"", b"1")
    assert long.packed == assets._asset("long.js", tmp_path / "long.js").packed
    assert gzip.decompress(long.packed) == long.body


def test_page_has_no_script_or_style_of_its_own():
    page = files("web").joinpath("static", "index.html").read_text()
    assert "<style" not in page
    assert "style=" not in page
    assert page.count("<script") == page.count('<script type="module" src="/main.js"></script>') == 1

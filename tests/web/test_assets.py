"""The dashboard's files: packed for who takes that, said again only when they have changed, and never a lot."""

import gzip
from importlib.resources import files
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


def test_page_has_no_script_or_style_of_its_own():
    page = files("web").joinpath("static", "index.html").read_text()
    assert "<style" not in page
    assert "style=" not in page
    assert page.count("<script") == page.count('<script type="module" src="/main.js"></script>') == 1

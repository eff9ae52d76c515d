"""Titles and descriptions out of story files, on real folders, and the real samples where they are at hand."""

import os
from pathlib import Path

import pytest

from runner.domain.model import parse_key
from runner.workspace import story_files as module
from runner.workspace.story_files import (
    DESCRIPTION_LENGTH,
    FILE_LIMIT,
    TITLE_LENGTH,
    StoryFiles,
    StoryText,
    read_text,
    title_of,
)

SAMPLES = Path(__file__).parents[3] / "shared/data/artifacts"
STORY = (
    "# Story 3a.1: Chat Input\n\nStatus: done\n\n## Story\n\nAs a **user**,\nI want **it**.\n\n## Tasks\n\n- one\n"
)
CHAT = StoryText(title="Chat Input", description="As a user, I want it.")

TEXTS: dict[str, tuple[str, StoryText]] = {
    "as BMAD writes it": (STORY, CHAT),
    "with CRLF": (STORY.replace("\n", "\r\n"), CHAT),
    "at the end of the file": ("# Story 1.1: T\n## Story\nAs a user", StoryText(title="T", description="As a user")),
    "late in the file": ("# T\n## Record\n- x\n## Story\nAs a user", StoryText(title="T", description="As a user")),
    "under another name": ("# T\n## User Story:\nAs a user", StoryText(title="T", description="As a user")),
    "up to a deeper heading": ("# T\n## Story\none\n### More\ntwo", StoryText(title="T", description="one")),
    "not under a longer name": ("# T\n## Story Requirements\nbody", StoryText(title="T", description="body")),
    "first lines": (
        "# T\nStatus: done\n\n**Status:** x\none\n## Tasks\ntwo\n" + "more\n" * 20,
        StoryText(title="T", description="one two" + " more" * 7),
    ),
    "of an empty section": ("# T\n## Story\n\n## Tasks\ntwo", StoryText(title="T", description="two")),
    "without a title": ("one\ntwo", StoryText(title="", description="one two")),
    "of another form": ("# Story 5-SR-5 – Real *Time*", StoryText(title="Real *Time*", description="")),
    "a title of its own": ("# Chat: Input", StoryText(title="Chat: Input", description="")),
    "nothing": ("", StoryText(title="", description="")),
    "names keep their underlines": (
        "# T\n## Story\nsee __init__.py",
        StoryText(title="T", description="see __init__.py"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_a_file_is_read(text: str, expected: StoryText):
    assert read_text(text) == expected


def test_what_a_commit_has_archived_is_still_known(tmp_path: Path):
    folder, archive = tmp_path / "implementation-artifacts", tmp_path / "archived-artifacts"
    files = StoryFiles(folder)
    for place in (folder, archive):
        place.mkdir()
    (folder / "3a-1-chat.md").write_text(STORY)
    assert files.read()["3a-1-chat"] == CHAT
    (folder / "3a-1-chat.md").rename(archive / "3a-1-chat.md")
    assert files.read()["3a-1-chat"] == CHAT
    (folder / "3a-1-chat.md").write_text("# Taken up again")
    assert files.read()["3a-1-chat"].title == "Taken up again"


def test_long_texts_are_cut():
    found = read_text(f"# {'t' * 1000}\n## Story\n{'word ' * 1000}")
    assert len(found.title) == TITLE_LENGTH
    assert len(found.description) <= DESCRIPTION_LENGTH
    assert found.description.endswith("word…")


NAMES = {
    "1-1-one.md": True,
    "1-1.md": True,
    "2a-10-more.md": True,
    "story-5-sr-5.md": True,
    "story-1-2-two.md": True,
    "sprint-1-3-three.md": True,
    "1-4-discovery.md": True,
    "1-1-discovery-story.md": False,
    "1-1-one-discovery-story.md": False,
    "1-1-discovery-tech.md": False,
    "tech-spec-1-1-one.md": False,
    "orchestrator.md": False,
    "index.md": False,
    "project-context.md": False,
    "story-.md": False,
    "epic-1-retrospective.md": False,
    "1-1-one.txt": False,
    "1-1-one": False,
    ".md": False,
}


def test_only_stories_are_described(tmp_path: Path):
    for name in NAMES:
        (tmp_path / name).write_text(STORY)
    described = [name.removesuffix(".md") for name, is_story in NAMES.items() if is_story]
    assert sorted(StoryFiles(tmp_path).descriptions()) == sorted(described)


def test_what_is_no_plain_file_is_left_out(tmp_path: Path):
    (tmp_path / "secret").write_text(STORY)
    (tmp_path / "1-1-link.md").symlink_to("secret")
    (tmp_path / "1-2-folder.md").mkdir()
    os.mkfifo(tmp_path / "1-3-pipe.md")
    (tmp_path / "1-4-bytes.md").write_bytes(b"# \xff\n## Story\n\xfe\0")
    assert StoryFiles(tmp_path).descriptions() == {"1-4-bytes": "\ufffd\0"}


def test_a_folder_that_is_not_there_yet_has_no_stories(tmp_path: Path):
    files = StoryFiles(tmp_path / "later")
    assert files.read() == {}
    (tmp_path / "later").mkdir()
    (tmp_path / "later/1-1-one.md").write_text(STORY)
    assert files.descriptions() == {"1-1-one": CHAT.description}


def test_changes_are_followed(tmp_path: Path):
    files, path = StoryFiles(tmp_path), tmp_path / "1-1-one.md"
    path.write_text(STORY)
    assert files.read() == {"1-1-one": CHAT}
    path.write_text("# Story 1.1: Another")
    assert files.read()["1-1-one"].title == "Another"
    replacement = tmp_path / "new"
    replacement.write_text("# Story 1.1: Replaced")
    os.replace(replacement, path)
    assert files.read()["1-1-one"].title == "Replaced"
    (tmp_path / "1-2-two.md").write_text(STORY)
    path.unlink()
    assert files.read() == {"1-2-two": CHAT}


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "1-1-one.md").write_text(STORY)
    files = StoryFiles(tmp_path)
    first = files.read()
    monkeypatch.setattr(module, "open_regular", pytest.fail)
    assert files.read() == first


def test_a_folder_without_end_is_looked_into_so_far(tmp_path: Path):
    for number in range(FILE_LIMIT + 5):
        (tmp_path / f"1-{number}.md").write_text("# T")
    assert len(StoryFiles(tmp_path).read()) == FILE_LIMIT


TITLES = {
    "3a-1-chat-input": "By Key",
    "3a-2-send": "By Short Key",
    "5-sr-5-events": "By Prefix",
    "3a-3-no-title": "No Title",
    "9-9-the_last-of_all": "The Last Of All",
    "9-9": "9-9",
    "login": "login",
}


@pytest.mark.parametrize(("key", "title"), TITLES.items())
def test_a_story_is_called_as_its_file_says(key: str, title: str):
    titles = {"3a-1-chat-input": "By Key", "3a-2": "By Short Key", "story-5-sr-5": "By Prefix", "3a-3-no-title": ""}
    files = {name: StoryText(title=text, description="") for name, text in titles.items()}
    parsed = parse_key(key)
    assert parsed is not None
    assert title_of(parsed, files) == title


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the checkout")
def test_real_stories_are_described():
    found = StoryFiles(SAMPLES).read()
    assert {name: text.title for name, text in found.items()} == {
        "2c-3-event-timeline-view": "Event Timeline View",
        "3a-1-chat-input-component": "Chat Input Component",
        "3a-2-message-send-flow": "Message Send Flow",
        "3a-3-response-streaming-display": "Response Streaming Display",
        "story-5-sr-5": "WebSocket Real-Time Events",
    }
    assert all(
        text.description.startswith(("As a user, I want", "As an operator, I want")) for text in found.values()
    )

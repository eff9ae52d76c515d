"""A story's files by exact name and inside the project, and the context appended once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.domain.errors import ProjectError
from runner.domain.model import StoryKey, parse_key
from runner.workspace.artifacts import (
    CONTEXT_HEADING,
    Injection,
    InjectionKind,
    context_age,
    find_discovery,
    find_story,
    find_tech_spec,
    inject_context,
    read_artifact,
)
from runner.workspace.project import Paths, read_paths

KEY = parse_key("2a-1-scanner") or pytest.fail("not a key")
Find = Callable[[Paths, StoryKey], Path | None]


def put(paths: Paths, name: str, data: bytes = b"x\n") -> Path:
    file = paths.implementation / name
    file.write_bytes(data)
    return file


# Finding

NAMES: list[tuple[Find, str]] = [
    (find_story, "2a-1-scanner.md"),
    (find_story, "2a-1.md"),
    (find_story, "story-2a-1.md"),
    (find_story, "story-2a-1-scanner.md"),
    (find_tech_spec, "tech-spec-2a-1-scanner.md"),
    (find_tech_spec, "tech-spec-2a-1.md"),
    (find_discovery, "2a-1-discovery-story.md"),
    (find_discovery, "2a-1-scanner-discovery-story.md"),
]


@pytest.mark.parametrize(("find", "name"), NAMES)
def test_each_file_is_found_by_each_of_its_names(paths: Paths, find: Find, name: str):
    assert find(paths, KEY) is None
    file = put(paths, name)
    assert find(paths, KEY) == file


@pytest.mark.parametrize("find", [find_story, find_tech_spec, find_discovery])
def test_names_that_only_resemble_are_never_taken(paths: Paths, find: Find):
    for name in ("2a-10.md", "2a-1-scanner-2.md", "2a-1-other.md", "12a-1.md", "2A-1.md", "2a-1-scanner.md.bak"):
        put(paths, name)
    for name in ("tech-spec-2a-10.md", "tech-spec-2a-1-other.md", "2a-10-discovery-story.md", "x-2a-1.md"):
        put(paths, name)
    assert find(paths, KEY) is None


def test_full_key_comes_before_the_short_one(paths: Paths):
    put(paths, "2a-1.md")
    full = put(paths, "2a-1-scanner.md")
    assert find_story(paths, KEY) == full


def test_link_out_of_the_project_is_not_followed(paths: Paths, tmp_path_factory: pytest.TempPathFactory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("x")
    (paths.implementation / "2a-1-scanner.md").symlink_to(secret)
    assert find_story(paths, KEY) is None
    inside = put(paths, "2a-1.md")
    assert find_story(paths, KEY) == inside


def test_link_within_the_project_is_followed_to_its_file(paths: Paths):
    file = paths.planning / "story.md"
    file.write_text("x")
    (paths.implementation / "2a-1.md").symlink_to(file)
    assert find_story(paths, KEY) == file


def test_link_loop_folder_and_fifo_are_no_files(paths: Paths):
    (paths.implementation / "2a-1-scanner.md").symlink_to("2a-1-scanner.md")
    (paths.implementation / "2a-1.md").mkdir()
    os.mkfifo(paths.implementation / "story-2a-1.md")
    assert find_story(paths, KEY) is None


def test_artifacts_folder_may_lie_outside_when_the_configuration_says_so(
    root: Path, tmp_path_factory: pytest.TempPathFactory
):
    outside = tmp_path_factory.mktemp("outside")
    (root / "_bmad/bmm").mkdir(parents=True)
    (root / "_bmad/bmm/config.yaml").write_text(f"implementation_artifacts: {outside}\n")
    file = outside / "2a-1.md"
    file.touch()
    assert find_story(read_paths(root, None), KEY) == file


def test_artifact_text_survives_bad_bytes(paths: Paths):
    assert read_artifact(put(paths, "a.md", b"a\xffb")) == "a\ufffdb"
    with pytest.raises(ProjectError, match="cannot read"):
        read_artifact(paths.implementation)


# Injecting


def inject(discovery: Path | None, context: Path, *, warning_kb: int = 1, error_kb: int = 3) -> Injection:
    return inject_context(discovery, context, warning_kb=warning_kb, error_kb=error_kb)


def test_context_is_appended_once_behind_every_byte_that_was_there(paths: Paths):
    before = b"# D\r\n\xff no newline at the end"
    discovery = put(paths, "2a-1-discovery-story.md", before)
    paths.context.write_bytes(b"# Context\nline\n")
    assert inject(discovery, paths.context) == Injection(kind=InjectionKind.INJECTED, size=15)
    after = discovery.read_bytes()
    assert after.startswith(before + b"\n\n" + CONTEXT_HEADING.encode() + b"\n\n")
    assert after.endswith(b"\n\n# Context\nline\n")
    assert inject(discovery, paths.context) == Injection(kind=InjectionKind.ALREADY)
    assert discovery.read_bytes() == after


def test_the_heading_in_running_text_does_not_count(paths: Paths):
    discovery = put(paths, "d.md", f"There is no `{CONTEXT_HEADING}` yet\n".encode())
    paths.context.write_bytes(b"c")
    assert inject(discovery, paths.context).kind is InjectionKind.INJECTED


def test_heading_of_a_windows_file_counts(paths: Paths):
    discovery = put(paths, "d.md", f"a\r\n{CONTEXT_HEADING}\r\nb\r\n".encode())
    paths.context.write_bytes(b"c")
    assert inject(discovery, paths.context).kind is InjectionKind.ALREADY


def test_nothing_to_append_to_and_nothing_to_append(paths: Paths):
    assert inject(None, paths.context).kind is InjectionKind.NO_DISCOVERY
    assert inject(paths.implementation / "none.md", paths.context).kind is InjectionKind.NO_DISCOVERY
    assert inject(put(paths, "d.md"), paths.context).kind is InjectionKind.NO_CONTEXT


@pytest.mark.parametrize(
    ("size", "kind", "large"),
    [
        (1024, InjectionKind.INJECTED, False),
        (1025, InjectionKind.INJECTED, True),
        (3072, InjectionKind.INJECTED, True),
        (3073, InjectionKind.TOO_LARGE, True),
    ],
)
def test_size_limits(paths: Paths, size: int, kind: InjectionKind, large: bool):
    discovery = put(paths, "d.md")
    paths.context.write_bytes(b"c" * size)
    assert inject(discovery, paths.context) == Injection(kind=kind, size=size, large=large)
    assert (discovery.read_bytes() == b"x\n") == (kind is InjectionKind.TOO_LARGE)


# Age


def test_age_is_counted_from_the_last_change(paths: Paths):
    assert context_age(paths.context, 5_000) is None
    paths.context.touch()
    os.utime(paths.context, ns=(0, 2_000_000_000))
    assert context_age(paths.context, 5_000) == 3_000
    assert context_age(paths.context, 1_000) == 0


def test_a_folder_has_no_age(paths: Paths):
    assert context_age(paths.planning, 5_000) is None

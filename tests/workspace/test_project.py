"""Finding the project, its folders as BMAD's configuration has them, and the runner's own folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.domain.errors import ProjectError
from runner.workspace.project import make_state_folder, read_paths
from runner.workspace.root import SIGNS, find_project


def configure(root: Path, text: str, name: str = "_bmad/bmm/config.yaml") -> Path:
    config = root / name
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_bytes(text.encode())
    return config


# Finding


@pytest.mark.parametrize("sign", SIGNS)
def test_project_is_found_upward_by_each_of_its_signs(tmp_path: Path, sign: str):
    (tmp_path / "p" / sign).mkdir(parents=True)
    deep = tmp_path / "p/src/deep"
    deep.mkdir(parents=True)
    assert find_project(deep, explicit=False) == tmp_path / "p"


def test_nearest_project_wins(tmp_path: Path):
    (tmp_path / "_bmad").mkdir()
    (tmp_path / "inner/_bmad-output").mkdir(parents=True)
    assert find_project(tmp_path / "inner", explicit=False) == tmp_path / "inner"


def test_explicit_folder_is_never_searched_upward(tmp_path: Path):
    (tmp_path / "_bmad").mkdir()
    (tmp_path / "src").mkdir()
    with pytest.raises(ProjectError, match=r"src is not a BMAD project .*--project"):
        find_project(tmp_path / "src", explicit=True)
    assert find_project(tmp_path, explicit=True) == tmp_path


@pytest.mark.parametrize("explicit", [True, False])
def test_what_is_no_folder_is_named(tmp_path: Path, explicit: bool):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(ProjectError, match=f"{path} is not a folder"):
            find_project(path, explicit=explicit)


def test_a_file_named_like_a_sign_makes_no_project(tmp_path: Path):
    (tmp_path / "_bmad").touch()
    with pytest.raises(ProjectError, match="is not a BMAD project"):
        find_project(tmp_path, explicit=True)


def test_root_is_absolute_and_free_of_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "real/_bmad").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert find_project(Path("link"), explicit=True) == tmp_path / "real"


# Paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    implementation: str
    planning: str
    bmm: str = ""
    core: str = ""


LAYOUTS = {
    "no configuration": Layout(
        implementation="_bmad-output/implementation-artifacts", planning="_bmad-output/planning-artifacts"
    ),
    "both keys": Layout(
        bmm="# BMM\nimplementation_artifacts: '{project-root}/out/impl'\nplanning_artifacts: plan/\n",
        implementation="out/impl",
        planning="plan",
    ),
    "older key": Layout(
        bmm='sprint_artifacts: "{project-root}/docs/sprint"\noutput_folder: "{project-root}/docs"\n',
        implementation="docs/sprint",
        planning="docs/planning-artifacts",
    ),
    "newer key before older": Layout(
        bmm="sprint_artifacts: old\nimplementation_artifacts: new\n",
        implementation="new",
        planning="_bmad-output/planning-artifacts",
    ),
    "output folder of the core": Layout(
        bmm="project_name: x\n",
        core="output_folder: '{project-root}/o'\n",
        implementation="o/implementation-artifacts",
        planning="o/planning-artifacts",
    ),
    "module before core": Layout(
        bmm="output_folder: a\nplanning_artifacts: '{output_folder}/p'\n",
        core="output_folder: b\n",
        implementation="a/implementation-artifacts",
        planning="a/p",
    ),
    "windows file": Layout(
        bmm="\ufeffimplementation_artifacts: impl\r\nlist:\r\n  - 1\r\n",
        implementation="impl",
        planning="_bmad-output/planning-artifacts",
    ),
    "empty value": Layout(
        bmm="implementation_artifacts:\n",
        implementation="_bmad-output/implementation-artifacts",
        planning="_bmad-output/planning-artifacts",
    ),
}


@pytest.mark.parametrize("case", LAYOUTS.values(), ids=LAYOUTS)
def test_folders_are_where_the_configuration_says(tmp_path: Path, case: Layout):
    for text, name in ((case.bmm, "_bmad/bmm/config.yaml"), (case.core, "_bmad/core/config.yaml")):
        if text:
            configure(tmp_path, text, name)
    paths = read_paths(tmp_path, None)
    assert paths.implementation == tmp_path / case.implementation
    assert paths.planning == tmp_path / case.planning
    assert paths.status_file == paths.implementation / "sprint-status.yaml"
    assert paths.context == paths.planning / "project-context.md"
    assert paths.state == tmp_path / ".sprint-runner"


def test_status_file_given_is_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert read_paths(tmp_path, Path("s.yaml")).status_file == tmp_path / "here/s.yaml"


REFUSED = {
    "no YAML": ("a: 1\nb: [\n", 3, "not valid YAML"),
    "unquoted placeholder": ("x: 1\noutput_folder: {project-root}/o\n", 2, "{project-root} stand in quotes"),
    "list": ("- a\n", 1, "the file holds a list"),
    "empty": ("", 1, "the file is empty"),
    "duplicate": ("a: 1\na: 2\n", 2, "stands already"),
    "alias": ("a: &x 1\n", 1, "anchors"),
    "unknown placeholder": (
        "a: 1\nplanning_artifacts: '{project_name}/p'\n",
        2,
        "unknown placeholder {project_name}",
    ),
    "line break": ('output_folder: "a\\nb"\n', 1, "output_folder is not a path"),
}


@pytest.mark.parametrize(("text", "line", "says"), REFUSED.values(), ids=REFUSED)
def test_bad_configuration_is_refused_with_file_and_line(tmp_path: Path, text: str, line: int, says: str):
    config = configure(tmp_path, text)
    with pytest.raises(ProjectError) as caught:
        read_paths(tmp_path, None)
    assert str(caught.value).startswith(f"{config}:{line}: ")
    assert says in str(caught.value)
    assert caught.value.hint


def test_configuration_that_is_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "_bmad/bmm/config.yaml").mkdir(parents=True)
    with pytest.raises(ProjectError, match=r"cannot read .*config\.yaml: not a regular file"):
        read_paths(tmp_path, None)


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path):
    configure(tmp_path, "planning_artifacts: plan\n")
    (tmp_path / "plan").touch()
    with pytest.raises(ProjectError, match="plan is not a folder"):
        read_paths(tmp_path, None)
    configure(tmp_path, "planning_artifacts: plan/below\n")
    with pytest.raises(ProjectError, match=r"cannot read .*below: Not a directory"):
        read_paths(tmp_path, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permissions_is_refused(root: Path):
    folder = root / "_bmad-output/planning-artifacts"
    folder.chmod(0)
    try:
        with pytest.raises(ProjectError, match="planning-artifacts: Permission denied"):
            read_paths(root, None)
    finally:
        folder.chmod(0o755)


# The state folder


def test_state_folder_is_private_and_invisible_to_git(tmp_path: Path):
    state = make_state_folder(tmp_path)
    assert state == tmp_path / ".sprint-runner"
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / ".gitignore").read_text() == "*\n"


def test_state_folder_that_is_there_keeps_its_content_and_loses_its_openness(tmp_path: Path):
    state = make_state_folder(tmp_path)
    (state / "x").touch()
    (state / ".gitignore").write_text("mine\n")
    state.chmod(0o755)
    make_state_folder(tmp_path)
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "x").exists()
    assert (state / ".gitignore").read_text() == "mine\n"


def test_state_folder_behind_a_link_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / ".sprint-runner").symlink_to("elsewhere")
    with pytest.raises(ProjectError, match="is a link"):
        make_state_folder(tmp_path)
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_state_folder_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / ".sprint-runner").touch()
    with pytest.raises(ProjectError, match="is not a folder"):
        make_state_folder(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away")
def test_state_folder_of_another_user_is_refused(tmp_path: Path):
    os.chown(make_state_folder(tmp_path), 12345, 12345)
    with pytest.raises(ProjectError, match=r"belongs to another user \(uid 12345\)"):
        make_state_folder(tmp_path)


def test_state_folder_of_a_missing_project_is_an_error_and_no_traceback(tmp_path: Path):
    with pytest.raises(ProjectError, match="cannot prepare"):
        make_state_folder(tmp_path / "missing")

"""A project that cannot be run: one line that says what is wrong, where, and what to do; and nothing is touched."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import make_project, sprint_file, write_scenario, write_settings
from tests.support.refusals import Answer, call, refusal, snapshot, untouched
from tests.support.runs import run

CONFIG = "_bmad/bmm/config.yaml"
PROMPT = "_bmad/bmm/workflows/4-implementation/sprint-runner/prompts/dev-story.md"
SETTINGS = ".sprint-runner/settings.json"
STATE = ".sprint-runner"
HEAD = "development_status:\n  1-1-one: review\n"

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that nothing is wrong with; to be copied."""
    return make_project(tmp_path_factory.mktemp("good") / "project", {"1-1-one": "review"})


@pytest.fixture
def project(tmp_path: Path, good: Path) -> Path:
    return shutil.copytree(good, tmp_path / "project")


@pytest.fixture
def refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """Start a batch; what is wrong with the way in which that was refused, if anything is."""

    def check(says: str) -> str:
        before = snapshot(project)
        agent = ("--agent", "scripted", "--scenario", str(write_scenario(tmp_path)))
        answer = call([*agent, "--project", str(project), "--cycles", "1"], monkeypatch, capsys)
        if not untouched(before, snapshot(project), locked=False):
            return "the project was touched"
        return refusal(answer, code=2, says=says, project=project)

    return check


SPRINTS = {
    "empty": ("", "{file}:1: the file is empty; correct the file or restore it"),
    "invalid": (HEAD + "  1-2: [\n", "{file}:4: not valid YAML: …; correct the file"),
    "tab": (HEAD + "\t1-2: done\n", "{file}:3: a tab in the indentation; …; correct the file"),
    "list": ("- 1-1-one\n", "{file}:1: the file holds a list instead of …; correct the file"),
    "text": ("planned\n", "{file}:1: the file holds a single text instead of …; correct the file"),
    "no section": ("stories: {}\n", "{file} has no development_status; run sprint planning first"),
    "section is a list": (
        "development_status:\n- a\n",
        "{file}:2: development_status has to hold …; correct the file",
    ),
    "status is a list": (HEAD + "  1-2: [done]\n", "{file}:3: the status of '1-2' has to be …; correct the file"),
    "duplicate keys": (HEAD + "  1-1-one: done\n", "{file}:3: key '1-1-one' stands already in line 2; correct"),
    "alias bomb": (
        "a: &a [x]\nb: [*a, *a]\n" + HEAD,
        "{file}:1: anchors (&) and aliases (*) are not allowed; correct",
    ),
    "tag": (HEAD + "  1-2: !!python/name:os.system\n", "{file}:3: tags (!) are not allowed; correct the file"),
    "two documents": (HEAD + "---\n" + HEAD, "{file}:3: more than one document …; correct the file"),
    "deep": ("a: " + "[" * 99 + "]" * 99 + "\n" + HEAD, "{file}:1: nested deeper than 12 levels; correct the file"),
    # Newer libyaml has a limit of its own, and words for it.
    "deep and open": ("a: " + "[" * 99_999, "{file}:1: …nest…; correct the file"),
    "huge": ("#" * 2_000_000 + "\n" + HEAD, "cannot read {file}: larger than 1024 KiB; check the file"),
    "path": (HEAD + "  ../../x: backlog\n", "{file}:3: '../../x' is not a story key; use letters"),
    "option": (HEAD + "  --flag: backlog\n", "{file}:3: '--flag' is not a story key; use letters"),
    "epic as a path": (HEAD + "  epic-../..: backlog\n", "{file}:3: 'epic-../..' is not a story key; use letters"),
    "space": (HEAD + "  1-2 two: backlog\n", "{file}:3: '1-2 two' is not a story key; use letters"),
    "long key": (HEAD + f"  1-2-{'x' * 300}: backlog\n", "{file}:3: '1-2-xxx… is not a story key; use letters"),
    "control": (HEAD + "  1-2-\x1b[2J: backlog\n", r"{file}:3: control character '\x1b'; correct the file"),
    "escaped control": (HEAD + '  "1-2-\\e[2J": x\n', r"{file}:3: control character '\x1b'; correct the file"),
    "escaped newline": (HEAD + '  "1-2\\n3": x\n', r"{file}:3: '1-2\n3' is not a story key; use letters"),
    "null": (HEAD + "\0", r"{file}:3: control character '\x00'; correct the file"),
    "no UTF-8": (HEAD + "# \udcff\n", "{file}:3: not UTF-8 text; correct the file"),
}


@pytest.mark.parametrize(("text", "says"), SPRINTS.values(), ids=SPRINTS.keys())
def test_a_sprint_file_with_a_fault(project: Path, refused: Callable[[str], str], text: str, says: str):
    sprint_file(project).write_bytes(text.encode(errors="surrogateescape"))
    assert not refused(says)


def _instead(make: Spoil) -> Spoil:
    """Something else in the place of the sprint file."""

    def spoil(project: Path) -> None:
        sprint_file(project).unlink()
        make(sprint_file(project))

    return spoil


def _file(name: str, data: bytes) -> Spoil:
    def spoil(project: Path) -> None:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(data)

    return spoil


def _folder(name: str) -> Spoil:
    return lambda project: (project / name).mkdir(parents=True)


def _setting(**settings: object) -> Spoil:
    return lambda project: write_settings(project, **settings)


def _no_project(project: Path) -> None:
    for sign in ("_bmad", "_bmad-output"):
        shutil.rmtree(project / sign)


def _unreadable(project: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    sprint_file(project).chmod(0)


PROJECTS = {
    "no project": (
        _no_project,
        "{project} is not a BMAD project …; install BMAD there, or give the project's folder",
    ),
    "file is missing": (
        _instead(lambda _: None),
        "sprint-status.yaml not found at {file}; run sprint planning first",
    ),
    "file is a dangling link": (
        _instead(lambda path: path.symlink_to("x")),
        "not found at {file}; run sprint planning",
    ),
    "file is a folder": (_instead(Path.mkdir), "cannot read {file}: not a regular file; check the file"),
    "file is a pipe": (_instead(os.mkfifo), "cannot read {file}: not a regular file; check the file"),
    "file is unreadable": (_unreadable, "cannot read {file}: Permission denied; check the file and its permissions"),
    "config": (
        _file(CONFIG, b"a: 1\nb: {c\n"),
        "{project}/_bmad/bmm/config.yaml:3: not valid YAML…; correct the file",
    ),
    "config is a folder": (_folder(CONFIG), "cannot read {project}/_bmad/bmm/config.yaml: …; check the file"),
    "placeholder": (
        _file(CONFIG, b"output_folder: '{nothing}/x'\n"),
        "config.yaml:1: unknown placeholder {nothing}; use {project-root} or a plain path",
    ),
    "artifacts are a file": (
        _file(CONFIG, b"planning_artifacts: _bmad-output/implementation-artifacts/sprint-status.yaml\n"),
        "{file} is not a folder; correct BMAD's config.yaml, or move it away",
    ),
    "unknown variable": (
        _file(PROMPT, b"Do {{story_key}}, {{nonsense}}\n"),
        "{project}/" + PROMPT + " asks for unknown {{nonsense}}; known are: ",
    ),
    "empty prompt": (_file(PROMPT, b" \n"), PROMPT + " is empty; write the prompt, or remove the file"),
    "binary prompt": (_file(PROMPT, b"\xff\xfe"), PROMPT + " is not UTF-8 text; save it as UTF-8"),
    "prompt is a folder": (_folder(PROMPT), "cannot read prompt {project}/" + PROMPT + ": not a regular file; check"),
    "settings are no JSON": (_file(SETTINGS, b"{"), "{project}/" + SETTINGS + ": …; correct the file, or remove it"),
    "setting stands twice": (
        _file(SETTINGS, b'{"stop_grace_seconds": 1, "stop_grace_seconds": 2}'),
        "{project}/" + SETTINGS + ": 'stop_grace_seconds' stands there twice; correct the file",
    ),
    "settings are too deep": (
        _file(SETTINGS, b"[" * 20_000),
        "{project}/" + SETTINGS + ": …; correct the file, or remove it",
    ),
    "settings are a pipe": (
        lambda project: (project / STATE).mkdir() or os.mkfifo(project / SETTINGS),
        "{project}/" + SETTINGS + ": not a regular file; correct the file, or remove it",
    ),
    "settings are a list": (_file(SETTINGS, b"[]"), "{project}/" + SETTINGS + ": …; correct the file, or remove it"),
    "settings are a folder": (_folder(SETTINGS), "{project}/" + SETTINGS + ": …; correct the file, or remove it"),
    "unknown setting": (_setting(cycles=1), SETTINGS + ": unknown setting 'cycles'; remove it; docs/settings.md"),
    "setting too large": (_setting(stop_grace_seconds=121), "must be a whole number from 0 to 120, not 121; "),
    "setting is a text": (_setting(stop_grace_seconds="no"), "must be a whole number from 0 to 120, not 'no'; "),
    "setting is not among the choices": (
        _setting(isolation="chroot"),
        "isolation must be one of auto, guard, pidns, cgroup, not 'chroot'; ",
    ),
    "setting is no word": (
        _setting(isolation=["pidns"]),
        "isolation must be one of auto, guard, pidns, cgroup, not [",
    ),
    "setting is an option": (
        _setting(cheap_model="--help"),
        "cheap_model is not a model name: '--help'; use letters",
    ),
    "state is a link": (
        lambda project: (project / STATE).symlink_to("_bmad"),
        "{project}/.sprint-runner is a link; move",
    ),
    "state is a file": (_file(STATE, b""), "{project}/.sprint-runner…; "),
}


@pytest.mark.parametrize(("spoil", "says"), PROJECTS.values(), ids=PROJECTS.keys())
def test_a_project_with_a_fault(project: Path, refused: Callable[[str], str], spoil: Spoil, says: str):
    spoil(project)
    assert not refused(says)


def test_no_project_from_here_upward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    answer = call(["--cycles", "1"], monkeypatch, capsys)
    says = (
        "no BMAD project in {project} or above it …; install BMAD there, or give the project's folder with --project"
    )
    assert not refusal(answer, code=2, says=says, project=tmp_path)


@pytest.mark.parametrize("name", ["file is missing", "duplicate keys", "unknown variable"])
def test_a_real_process_says_the_same(tmp_path: Path, project: Path, name: str):
    if name in SPRINTS:
        text, says = SPRINTS[name]
        sprint_file(project).write_text(text)
    else:
        spoil, says = PROJECTS[name]
        spoil(project)
    before = snapshot(project)
    done = run(project, write_scenario(tmp_path), "--cycles", "1")
    assert not refusal(Answer(done.returncode, done.stdout, done.stderr), code=2, says=says, project=project)
    assert untouched(before, snapshot(project), locked=False)

"""Prompts: where their texts come from, what they may ask for, and what the runner's own promise."""

from pathlib import Path

import pytest

from runner.domain.errors import ProjectError
from runner.domain.prompts import PROMPT_NAMES, VARIABLES, prompt_name, substitute, unknown_variables
from runner.workspace.project import Paths
from runner.workspace.prompts import load_prompts
from runner.workspace.workflows import installed_workflows, workflow_text

VALUES = {name: f"<{name}>" for name in VARIABLES}


def write(paths: Paths, name: str, data: bytes) -> Path:
    paths.prompts.mkdir(parents=True, exist_ok=True)
    file = paths.prompts / f"{name}.md"
    file.write_bytes(data)
    return file


# Variables


def test_variables_are_filled_in():
    assert substitute("a {{story_key}}, {{ epic_id }}{{story_key}}", {"story_key": "2a-1-x", "epic_id": "2a"}) == (
        "a 2a-1-x, 2a2a-1-x"
    )


def test_a_value_is_never_searched_for_variables():
    assert substitute("{{story_key}}", {"story_key": "{{epic_id}}"}) == "{{epic_id}}"


def test_a_variable_without_a_value_is_an_error():
    with pytest.raises(KeyError):
        substitute("{{story_key}}", {})


@pytest.mark.parametrize("text", ["{story_key}", "{project-root}", "{{}}", "{{ 1 }}", "${{", "{{a b}}"])
def test_other_braces_stay(text: str):
    assert unknown_variables(text) == []
    assert substitute(text, {}) == text


def test_unknown_variables_are_listed_once_in_order():
    assert unknown_variables("{{z}} {{story_key}} {{a-b}} {{z}} {{story.key}}") == ["z", "a-b", "story.key"]


@pytest.mark.parametrize("text", ["/create", "{{workflow}} x", "\n \t/create", "\ufeff/create"])
def test_prompt_never_begins_with_a_slash(text: str):
    filled = substitute(text, {"workflow": "/bmad-create-story"})
    assert not filled.lstrip("\ufeff \t\n").startswith("/")
    assert filled.endswith(text.replace("{{workflow}}", "/bmad-create-story"))


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("create-story", "create-story"),
        ("story-discovery", "create-story-discovery"),
        ("story-review-1", "story-review"),
        ("tech-spec-review-3", "tech-spec-review"),
        ("code-review-10", "code-review"),
        ("generate-project-context", "generate-project-context"),
    ],
)
def test_every_command_has_its_prompt(command: str, name: str):
    assert prompt_name(command) == name
    assert name in PROMPT_NAMES


# Loading


def test_project_prompts_win_one_by_one(paths: Paths):
    file = write(paths, "dev-story", b"\xef\xbb\xbfDo {{story_key}}.\r\n")
    prompts = load_prompts(paths)
    assert (prompts["dev-story"].text, prompts["dev-story"].source) == ("Do {{story_key}}.\r\n", str(file))
    assert tuple(prompts) == PROMPT_NAMES
    assert prompts["code-review"].source.endswith("runner/prompts/code-review.md")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"x {{story_kee}} {{log_script}}", "asks for unknown {{story_kee}}, {{log_script}}; known are: "),
        (b" \n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        (b"x" * (1024 * 1024 + 1), "larger than 1024 KiB"),
    ],
    ids=["variable", "empty", "bytes", "size"],
)
def test_bad_prompt_is_refused_by_name(paths: Paths, data: bytes, says: str):
    file = write(paths, "code-review", data)
    with pytest.raises(ProjectError) as caught:
        load_prompts(paths)
    assert str(file) in str(caught.value)
    assert says in str(caught.value)


def test_prompt_that_is_a_folder_is_refused(paths: Paths):
    (paths.prompts / "batch-commit.md").mkdir(parents=True)
    with pytest.raises(ProjectError, match=r"cannot read prompt .*batch-commit\.md: not a regular file"):
        load_prompts(paths)


def test_prompts_folder_that_is_a_file_counts_as_none(paths: Paths):
    paths.prompts.parent.mkdir(parents=True)
    paths.prompts.touch()
    assert load_prompts(paths)["dev-story"].source.endswith("runner/prompts/dev-story.md")


# The runner's own


TASKS = {
    "create-story": "setup, analyze, generate, write, validate",
    "create-story-discovery": "setup, explore, write",
    "story-review": "setup, analyze, fix, validate",
    "create-tech-spec": "setup, discover, generate, write, validate",
    "tech-spec-review": "setup, analyze, fix, validate",
    "dev-story": "setup, implement, tests, lint, validate",
    "code-review": "setup, analyze, fix, test, validate",
}
PROMISES = {
    "create-story": ["<story key>: [TECH-SPEC-DECISION: REQUIRED]", "<story key>: [TECH-SPEC-DECISION: SKIP]"],
    "story-review": ["\n    CRITICAL ISSUES FOUND: <number>\n", "\n    NO CRITICAL ISSUES FOUND\n"],
    "tech-spec-review": ["\n    CRITICAL ISSUES FOUND: <number>\n", "\n    NO CRITICAL ISSUES FOUND\n"],
    "code-review": [
        "    - [HIGH] Title",
        "    HIGHEST SEVERITY: ",
        "    Issues: <n> CRITICAL",
        "\n    ZERO ISSUES\n",
    ],
    "batch-commit": ["\n       feat({{epic_id}}): implement stories {{story_ids}}\n", "archived-artifacts"],
    "generate-project-context": ["{{planning_artifacts}}/project-context.md"],
}


@pytest.mark.parametrize("name", PROMPT_NAMES)
def test_own_prompt_is_autonomous_and_speaks_of_its_workflow(paths: Paths, name: str):
    text = load_prompts(paths)[name].text
    assert "you work alone and unattended. Never ask" in text
    assert "{{workflow}}" in text
    assert "{{status_file}}" in text
    assert not substitute(text, VALUES).startswith("/")
    assert unknown_variables(substitute(text, VALUES)) == []


@pytest.mark.parametrize("name", TASKS)
def test_own_prompt_asks_for_the_task_reports_of_its_command(paths: Paths, name: str):
    text = load_prompts(paths)[name].text
    assert f"for each story: {TASKS[name]}. Run exactly" in text
    for state in ("start", "end"):
        assert f'{{{{log_command}}}} {{{{epic_id}}}} STORY {{{{command}}}} TASK {state} "' in text


@pytest.mark.parametrize("name", PROMISES)
def test_own_prompt_asks_for_the_markers_that_are_read(paths: Paths, name: str):
    text = load_prompts(paths)[name].text
    assert [wanted for wanted in PROMISES[name] if wanted not in text] == []


# Workflows


@pytest.mark.parametrize(
    ("file", "call"),
    [
        (".claude/skills/bmad-dev-story/SKILL.md", "/bmad-dev-story"),
        (".claude/commands/bmad-dev-story.md", "/bmad-dev-story"),
        (".claude/commands/bmad-bmm-dev-story.md", "/bmad-bmm-dev-story"),
        (".claude/commands/bmad/bmm/workflows/dev-story.md", "/bmad:bmm:workflows:dev-story"),
    ],
)
def test_workflow_is_called_as_it_is_installed(root: Path, file: str, call: str):
    (root / file).parent.mkdir(parents=True)
    (root / file).touch()
    installed = installed_workflows(root)
    assert installed == {"dev-story": call}
    assert workflow_text("dev-story", installed) == f"`{call}`"


def test_one_workflow_serves_creation_discovery_and_review(root: Path):
    folder = root / ".claude/skills/bmad-create-story"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").touch()
    assert set(installed_workflows(root)) == {"create-story", "create-story-discovery", "story-review"}


def test_newer_name_of_the_same_workflow_is_known(root: Path):
    commands = root / ".claude/commands/bmad/bmm/workflows"
    commands.mkdir(parents=True)
    (commands / "quick-spec.md").touch()
    assert installed_workflows(root)["create-tech-spec"] == "/bmad:bmm:workflows:quick-spec"
    (commands / "create-tech-spec.md").touch()
    assert installed_workflows(root)["create-tech-spec"] == "/bmad:bmm:workflows:create-tech-spec"


def test_without_a_workflow_the_agent_works_by_the_conventions(root: Path):
    assert installed_workflows(root) == {}
    assert "do the work yourself" in workflow_text("dev-story", {})

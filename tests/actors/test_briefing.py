"""What an agent is told for a step: its prompt and its environment."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from actors.briefing import INTERRUPTED, KEEP_SPRINT_FILE, Briefing, agent_environment, prompt_text
from actors.kit import Kit
from runner.domain.prompts import PROMPT_NAMES, VARIABLES, PromptText
from runner.domain.steps import RunCommand, step_key
from tests.actors.stage import Stage

PAIR = ("2a-1-scanner", "2a-2-list")
ALL_VARIABLES = "\n".join(f"{name}={{{{{name}}}}}" for name in sorted(VARIABLES))


@pytest.fixture(scope="module")
def own_kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return Stage(tmp_path_factory.mktemp("briefing"), {}).kit


@pytest.fixture(scope="module")
def kit(own_kit: Kit) -> Kit:
    """A kit whose prompts are lists of all variables."""
    prompts = {name: PromptText(name=name, text=f"{name}\n{ALL_VARIABLES}", source="test") for name in PROMPT_NAMES}
    return replace(own_kit, prompts=prompts, workflows={"dev-story": "/bmad-dev-story"})


def step(command: str, *stories: str) -> RunCommand:
    return RunCommand(key=step_key(3, command, *stories), command=command, stories=stories)


def told(kit: Kit, command: str, *stories: str, **circumstances: object) -> Mapping[str, str]:
    """The variables of a prompt, as the agent sees them."""
    briefing = Briefing(**{"epic": "2a", "cycle": 3, **circumstances})  # type: ignore[arg-type]
    text = prompt_text(kit, step(command, *stories), briefing, continued=False)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_a_prompt_names_the_stories_in_full_and_in_short(kit: Kit):
    values = told(kit, "create-story", *PAIR)
    assert values["story_key"] == "2a-1-scanner,2a-2-list"
    assert values["story_id"] == values["story_ids"] == "2a-1, 2a-2"
    assert (values["epic_id"], values["command"], values["review_attempt"]) == ("2a", "create-story", "1")


def test_a_prompt_says_where_things_are(kit: Kit):
    values = told(kit, "dev-story", PAIR[0])
    assert values["implementation_artifacts"] == str(kit.paths.implementation)
    assert values["planning_artifacts"] == str(kit.paths.planning)
    assert values["status_file"] == str(kit.paths.status_file)
    assert values["log_command"].endswith(" -m runner log")
    assert "/bmad-dev-story" in values["workflow"]


@pytest.mark.parametrize(
    ("command", "attempt"), [("code-review-3", "3"), ("story-review-1", "1"), ("dev-story", "1")]
)
def test_a_review_is_told_which_one_it_is(kit: Kit, command: str, attempt: str):
    assert told(kit, command, PAIR[0])["review_attempt"] == attempt


@pytest.mark.parametrize(
    ("decisions", "needed", "listed"),
    [
        ({}, "no", ""),
        ({PAIR[0]: "SKIP", PAIR[1]: "SKIP"}, "no", "2a-1-scanner: SKIP, 2a-2-list: SKIP"),
        ({PAIR[0]: "SKIP", PAIR[1]: "REQUIRED"}, "yes", "2a-1-scanner: SKIP, 2a-2-list: REQUIRED"),
        ({"2a-9-other": "REQUIRED"}, "no", ""),
    ],
)
def test_decisions_of_the_steps_own_stories_are_passed_on(
    kit: Kit, decisions: dict[str, str], needed: str, listed: str
):
    values = told(kit, "create-tech-spec", *PAIR, decisions=decisions)
    assert (values["tech_spec_needed"], values["tech_spec_decisions"]) == (needed, listed)


@pytest.mark.parametrize(
    ("command", "prompt"),
    [("story-discovery", "create-story-discovery"), ("code-review-7", "code-review"), ("dev-story", "dev-story")],
)
def test_a_command_has_the_prompt_of_its_kind(kit: Kit, command: str, prompt: str):
    text = prompt_text(kit, step(command, PAIR[0]), Briefing(epic="2a", cycle=3), continued=False)
    assert text.splitlines()[0] == prompt


def test_a_session_that_is_continued_is_told_so_before_the_whole_prompt(kit: Kit):
    fresh, continued = (
        prompt_text(kit, step("dev-story", PAIR[0]), Briefing(epic="2a", cycle=3), continued=continued)
        for continued in (False, True)
    )
    assert continued == INTERRUPTED + fresh
    assert INTERRUPTED not in fresh


def test_a_background_review_is_told_to_leave_the_sprint_file_alone(kit: Kit):
    review = step("story-review-2", *PAIR)
    front, back = (
        prompt_text(kit, review, Briefing(epic="2a", cycle=3, background=background), continued=False)
        for background in (False, True)
    )
    assert back == front + KEEP_SPRINT_FILE


def test_every_command_can_be_briefed_with_the_runners_own_prompts(own_kit: Kit):
    for name in PROMPT_NAMES:
        text = prompt_text(own_kit, step(name, *PAIR), Briefing(epic="2a", cycle=3), continued=False)
        assert "{{" not in text
        assert not text.startswith("/")


def test_the_environment_tells_of_the_step_and_keeps_the_runners_own(kit: Kit):
    environment = agent_environment(
        kit, step("code-review-2", PAIR[0]), Briefing(epic="2a", cycle=3), batch_id=7, attempt=2
    )
    own = {name: value for name, value in environment.items() if name.startswith("SPRINT_RUNNER_")}
    assert own == {
        "SPRINT_RUNNER_BATCH": "7",
        "SPRINT_RUNNER_CYCLE": "3",
        "SPRINT_RUNNER_COMMAND": "code-review-2",
        "SPRINT_RUNNER_STORIES": "2a-1-scanner",
        "SPRINT_RUNNER_EPIC": "2a",
        "SPRINT_RUNNER_ATTEMPT": "2",
        "SPRINT_RUNNER_STEP": "c3/code-review-2/2a-1-scanner",
        "SPRINT_RUNNER_URL": "http://127.0.0.1:8765",
        "SPRINT_RUNNER_STATE_DIR": str(kit.paths.state),
        "SPRINT_RUNNER_STATUS_FILE": str(kit.paths.status_file),
        "SPRINT_RUNNER_ARTIFACTS": str(kit.paths.implementation),
        "SPRINT_RUNNER_PLANNING": str(kit.paths.planning),
    }
    assert environment["PATH"] == kit.environment["PATH"]


def test_a_step_of_no_cycle_has_an_empty_one(kit: Kit):
    environment = agent_environment(
        kit, step("generate-project-context"), Briefing(epic="", cycle=None), batch_id=7, attempt=1
    )
    assert (environment["SPRINT_RUNNER_CYCLE"], environment["SPRINT_RUNNER_STORIES"]) == ("", "")

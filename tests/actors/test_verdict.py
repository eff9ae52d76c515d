"""From how an attempt ended to what is recorded of it; git is asked in a real repository."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from actors.verdict import Attempted, aware, commit_subject, conclude, probe_commit, start_failure, story_keys
from runner.agents.base import Ending, EndingKind, Usage
from runner.domain.steps import Facts
from runner.domain.verdicts import Review, Severity
from runner.guard.receipt import Receipt
from tests.support.project import git, make_project

SESSION = "11111111-1111-4111-8111-111111111111"
USAGE = Usage(input_tokens=10, output_tokens=2, cost_usd=0.5, num_turns=3)


def attempted(command: str = "dev-story", *, session: str = SESSION, continued: bool = False) -> Attempted:
    return Attempted(command=command, stories=("1-1-one",), session_id=session, continued=continued)


@dataclass(frozen=True)
class Case:
    kind: EndingKind
    status: str
    charged: bool = False
    session: str = ""
    """What a later attempt may continue."""
    continued: bool = False


CASES = (
    Case(EndingKind.FAILURE, "error", charged=True),
    Case(EndingKind.OPERATOR, "error"),
    Case(EndingKind.LIMIT, "limit", session=SESSION),
    Case(EndingKind.INTERRUPTED, "interrupted", session=SESSION),
    Case(EndingKind.SESSION_UNKNOWN, "interrupted", continued=True),
    # An agent that does not know the session it was told to begin has failed like any other.
    Case(EndingKind.SESSION_UNKNOWN, "error", charged=True),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind.name}-{case.continued}")
def test_what_is_recorded_of_an_unsuccessful_end(case: Case):
    ending = Ending(kind=case.kind, reason="because", resets_at=7, usage=USAGE, text="last words")
    end, facts = conclude(ending, attempted(continued=case.continued), exit_code=1, leftovers=2, committed=False)
    assert facts is None
    assert (end.status, end.charged, end.session_id) == (case.status, case.charged, case.session)
    assert (end.reason, end.resets_at, end.summary, end.exit_code, end.leftovers) == (
        "because",
        7,
        "last words",
        1,
        2,
    )
    assert (end.input_tokens, end.output_tokens, end.cost_usd, end.num_turns) == (10, 2, 0.5, 3)
    assert end.verdict_json == b"{}"


def test_a_success_is_recorded_with_the_facts_that_steer_the_flow():
    ending = Ending(kind=EndingKind.SUCCESS, text="- [HIGH] Slow\nHIGHEST SEVERITY: HIGH", usage=USAGE)
    end, facts = conclude(ending, attempted("code-review-1"), exit_code=0, leftovers=0, committed=False)
    assert facts is not None
    assert facts.review == Review(severity=Severity.HIGH, titles=facts.review.titles)
    assert msgspec.json.decode(end.verdict_json, type=Facts) == facts
    assert (end.status, end.reason, end.charged, end.session_id) == ("success", "", False, SESSION)


def test_a_commit_that_is_in_git_counts_whatever_the_agent_said():
    ending = Ending(kind=EndingKind.FAILURE, reason="killed by signal 9")
    end, facts = conclude(ending, attempted("batch-commit"), exit_code=None, leftovers=0, committed=True)
    assert (end.status, end.charged) == ("success", False)
    assert end.reason == "the commit was found in git; killed by signal 9"
    assert facts == Facts()


def test_only_the_end_of_what_was_said_is_kept():
    ending = Ending(kind=EndingKind.FAILURE, text="a" * 5000 + "the end")
    end, _ = conclude(ending, attempted(), exit_code=1, leftovers=0, committed=False)
    assert len(end.summary) == 2000
    assert end.summary.endswith("athe end")


# Commits


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path, {"1-1-one": "review"})


def commit(project: Path, subject: str) -> None:
    git(project, "commit", "--quiet", "--allow-empty", "--message", subject)


def test_the_subject_names_epic_and_short_keys():
    assert commit_subject("2a", story_keys(("2a-1-scanner", "2a-2-list"))) == (
        "feat(2a): implement stories 2a-1, 2a-2"
    )


def test_names_that_are_no_keys_are_left_out():
    assert [key.text for key in story_keys(("2a-1-scanner", "../../etc", "odd.name"))] == ["2a-1-scanner", "odd.name"]


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("feat(1): implement stories 1-1, 1-2", True),
        ("feat(1): implement stories 1-1,1-2", True),
        ("feat(1):  implement stories 1-1 1-2", True),
        ("feat(1): implement stories 1-1", False),
        ("feat(1): implement stories 1-1, 1-2, 1-3", False),
        ("feat(2): implement stories 1-1, 1-2", False),
        ("Implement stories 1-1, 1-2", False),
    ],
)
def test_the_expected_commit_is_told_from_others(project: Path, subject: str, found: bool):
    before = {"head": git(project, "rev-parse", "HEAD").strip(), "subject": "feat(1): implement stories 1-1, 1-2"}
    commit(project, subject)
    commit(project, "something else on top")
    assert probe_commit(project, before) is found


def test_a_commit_from_before_does_not_count(project: Path):
    commit(project, "feat(1): implement stories 1-1")
    before = {"head": git(project, "rev-parse", "HEAD").strip(), "subject": "feat(1): implement stories 1-1"}
    assert not probe_commit(project, before)


def test_the_first_commit_of_all_is_found(tmp_path: Path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "Test")
    git(tmp_path, "config", "user.email", "test@example.invalid")
    commit(tmp_path, "feat(1): implement stories 1-1")
    assert probe_commit(tmp_path, {"head": "", "subject": "feat(1): implement stories 1-1"})


@pytest.mark.parametrize("before", [{}, {"head": ""}, {"subject": ""}, {"subject": ", "}])
def test_without_an_expected_subject_nothing_is_found(project: Path, before: dict[str, str]):
    assert not probe_commit(project, before)


def test_without_a_repository_nothing_is_found(tmp_path: Path):
    assert not probe_commit(tmp_path, {"head": "", "subject": "feat(1): implement stories 1-1"})


# Starting


def receipt(why: str, error: str | None = None) -> Receipt:
    return Receipt(
        v=1,
        why=why,
        exit_code=None,
        signal=None,
        error=error,
        leftovers=0,
        swept=0,
        clean=True,
        started_at=1,
        ended_at=2,
    )


@pytest.mark.parametrize(
    ("receipt", "errors", "failure"),
    [
        (None, "guard: cannot start x", ""),
        (receipt("exit"), "guard: cannot start x", ""),
        (receipt("cannot-start", "ENOENT"), "guard: cannot start x: No such file", "cannot start x: No such file"),
        (receipt("cannot-start", "ENOENT"), "", "ENOENT"),
        (receipt("cannot-start"), "", "unknown error"),
    ],
)
def test_why_an_agent_could_not_be_started(receipt: Receipt | None, errors: str, failure: str):
    assert start_failure(receipt, errors) == failure


def test_times_are_aware_of_their_zone():
    moment = aware(1_790_000_000_000)
    assert moment.utcoffset() is not None
    assert moment.timestamp() == 1_790_000_000

"""Scenarios: what they match, what is wrong with them, what is built in, and that their documentation is true."""

import json
import re
from pathlib import Path

import pytest
import yaml

from runner.agents.scripted_language import VERBS
from runner.agents.scripted_run import Defaults, ScenarioError, Situation
from runner.agents.scripted_scenario import load_scenario

MANUAL = Path(__file__).parents[2] / "docs/scripted-agent.md"


def situation(**told):
    environment = {f"SPRINT_RUNNER_{name.upper()}": value for name, value in told.items()}
    return Situation.read(environment, "/project")


CODE_REVIEW = {"command": "code-review-2", "stories": "2a-1-first,2a-10-tenth", "epic": "2a", "cycle": "3"}


# ---- matching


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({}, True),
        ({"command": "code-review-*"}, True),
        ({"command": "code-review"}, False),
        ({"command": ["dev-story", "code-review-[2-9]"]}, True),
        ({"story": "2a-1"}, True),
        ({"story": "2a-10-tenth"}, True),
        ({"story": "2a-1?"}, True),
        ({"story": "2A-1"}, False),
        ({"story": "2a-2*"}, False),
        ({"cycle": 3}, True),
        ({"cycle": [1, "2"]}, False),
        ({"attempt": 1}, True),
        ({"resumed": False}, True),
        ({"resumed": True}, False),
        ({"command": "code-review-2", "story": "none"}, False),
    ],
)
def test_a_rule_matches_when_all_its_patterns_do(tmp_path, rule, matches):
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps({"rules": [{**rule, "actions": ["hang"]}]}))
    (action,) = load_scenario(str(file)).actions_for(situation(**CODE_REVIEW), resumed=False)
    assert action.verb is VERBS["hang" if matches else "builtin"]


def test_the_first_rule_that_matches_wins(tmp_path):
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps([{"actions": [{"say": "first"}]}, {"actions": [{"say": "second"}]}]))
    (action,) = load_scenario(str(file)).actions_for(situation(), resumed=True)
    assert action.fields == {"text": "first"}


@pytest.mark.parametrize(
    ("epic", "key", "short"),
    [
        ("2", "2-1-first", "2-1"),
        ("2a", "2a-1", "2a-1"),
        ("5-sr", "5-sr-3-core-loop", "5-sr-3"),
        ("2", "2-6a-second-half", "2-6a"),
        ("odd", "odd", "odd"),
        ("", "2-1-first", "2-1-first"),
    ],
)
def test_short_keys_are_those_of_the_runner(epic, key, short):
    assert situation(epic=epic, stories=key).short(key) == short


# ---- malformed scenarios


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", ":1:2: not valid JSON"),
        ("[" * 100_000, "not readable"),
        ("3", "the file: must be a mapping of speed, defaults, rules"),
        ('{"rule": []}', "the file: no such field: 'rule'"),
        ('{"speed": -1}', "speed: must be a number, 0 or more, not -1"),
        ('{"speed": NaN}', "speed: must be a number"),
        ('{"defaults": {"cost": "much"}}', "defaults.cost: must be a number"),
        ('{"rules": {}}', "rules: must be a list"),
        ('[{"say": "x"}]', r"rules\[0\]: no such field: 'say'"),
        ('[{"command": {}, "actions": []}]', r"rules\[0\]\.command: must be a pattern"),
        ('[{"resumed": "yes", "actions": []}]', r"rules\[0\]\.resumed: must be true or false or nothing"),
        ('[{"command": "x"}]', r"rules\[0\]\.actions: must be a list"),
        ('[{"actions": [3]}]', r"rules\[0\]\.actions\[0\]: must be one action"),
        ('[{"actions": [{"say": "a", "sleep": 1}]}]', r"actions\[0\]: must be one action"),
        ('[{"actions": [{}, {"sing": "a"}]}]', r"actions\[0\]: must be one action"),
        ('[{"actions": ["hang", {"sing": "a"}]}]', r"actions\[1\]: no such action: 'sing' \(there are say,"),
        ('[{"actions": [{"say": 3}]}]', r"actions\[0\]\.say\.text: must be a text, not 3"),
        ('[{"actions": [{"say": {"words": "a"}}]}]', r"\.say: no such field: 'words' \(there are text\)"),
        ('[{"actions": [{"write": "a"}]}]', r"\.write: must be a mapping of fields"),
        ('[{"actions": [{"write": {"file": "a"}}]}]', r"\.write: needs exactly one of text, source"),
        ('[{"actions": [{"append": {"file": "a"}}]}]', r"\.append: needs the field 'text'"),
        ('[{"actions": [{"task": "setup begin Reading"}]}]', r"\.task\.line: must be '<task> start\|end <message>'"),
        ('[{"actions": [{"run": "ls -l"}]}]', r"\.run\.argv: must be a list \(each: a text\), not 'ls -l'"),
        ('[{"actions": [{"run": []}]}]', r"\.run\.argv: must be a list"),
        ('[{"actions": [{"raw": {"base64": "%"}}]}]', r"\.raw\.base64: must be base64 or nothing"),
        ('[{"actions": [{"spawn": "zombie"}]}]', r"\.spawn\.kind: must be child or setsid or daemon or"),
        ('[{"actions": [{"exit": true}]}]', r"\.exit\.code: must be a whole number"),
    ],
)
def test_a_malformed_scenario_is_refused_by_file_and_place(tmp_path, text, complaint):
    file = tmp_path / "scenario.json"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=complaint) as caught:
        load_scenario(str(file))
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"rules:\n  - [", "line 3, column 1: not valid YAML"),
        (b"rules: \xff", "not readable"),
        (b"rules: \x07", "not valid YAML"),
        (b"rules: !!python/name:os.system\n", "line 1, column 8: not valid YAML"),
    ],
)
def test_broken_yaml_is_refused_by_line(tmp_path, data, complaint):
    file = tmp_path / "scenario.yaml"
    file.write_bytes(data)
    with pytest.raises(ScenarioError, match=complaint) as caught:
        load_scenario(str(file))
    assert "\n" not in str(caught.value)


def test_a_missing_source_is_one_line_and_exit_code_2(bench):
    ended = bench.run({"write": {"file": "a", "source": "none.py"}})
    assert (ended.code, ended.stderr.count("\n")) == (2, 1)
    assert "none.py: a source of the scenario cannot be read: No such file" in ended.stderr


# ---- what is built in


@pytest.mark.parametrize(
    ("command", "files", "text"),
    [
        ("generate-project-context", ["planning-artifacts/project-context.md"], "written"),
        (
            "create-story",
            ["implementation-artifacts/2-1-first.md", "implementation-artifacts/2-2-second.md"],
            "[TECH-SPEC-DECISION: REQUIRED]",
        ),
        (
            "story-discovery",
            [
                "implementation-artifacts/2-1-discovery-story.md",
                "implementation-artifacts/2-2-discovery-story.md",
            ],
            "complete",
        ),
        ("story-review-2", [], "NO CRITICAL ISSUES FOUND"),
        (
            "create-tech-spec",
            [
                "implementation-artifacts/tech-spec-2-1-first.md",
                "implementation-artifacts/tech-spec-2-2-second.md",
            ],
            "complete",
        ),
        ("tech-spec-review-1", [], "NO CRITICAL ISSUES FOUND"),
        ("dev-story", ["../implemented/2-1-first.txt", "../implemented/2-2-second.txt"], "implemented"),
        ("code-review-3", [], "ZERO ISSUES"),
        ("sprint-status", [], "left as it is"),
        ("dance", [], "Nothing is built in for the command dance"),
    ],
)
def test_every_command_has_a_behaviour_of_its_own(bench, command, files, text):
    ended = bench.run(command=command)
    assert ended.code == 0
    assert text in ended.texts[-1]
    output = bench.artifacts.parent
    expected = {(output / file).resolve() for file in files} | {bench.sprint}
    assert {path for path in bench.project.rglob("*") if path.is_file()} == expected


def test_the_built_in_commit_archives_and_commits(bench):
    bench.git("init", "--quiet")
    for command in ("create-story", "story-discovery", "create-tech-spec", "dev-story", "batch-commit"):
        assert bench.run(command=command).code == 0
    output = bench.artifacts.parent
    assert sorted(path.name for path in (output / "archived-artifacts").iterdir()) == [
        "2-1-first.md",
        "2-2-second.md",
        "tech-spec-2-1-first.md",
        "tech-spec-2-2-second.md",
    ]
    assert [path.name for path in bench.artifacts.iterdir()] == ["sprint-status.yaml"]
    assert bench.sprint.read_text().count(": review") == 2
    assert bench.git("log", "--format=%s") == "feat(2): implement stories 2-1, 2-2\n"
    assert bench.git("status", "--porcelain") == ""


# ---- the manual


def manual_rows():
    """Action name to the fields that the manual's tables give it, the main one first."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ", MANUAL.read_text(), re.MULTILINE)
    return {name: re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", fields)) for name, fields in rows}


@pytest.mark.parametrize("name", VERBS)
def test_the_manual_has_every_action_with_all_its_fields(name):
    verb = VERBS[name]
    fields = [field for field in verb.act.__annotations__ if field not in ("run", "return")]
    assert sorted(manual_rows()[name]) == sorted(fields)
    if verb.main:
        assert f"**`{verb.main}`**" in re.search(rf"^\| `{name}` .*$", MANUAL.read_text(), re.MULTILINE)[0]


def test_the_manual_has_every_default():
    for field in Defaults._fields:
        assert re.search(rf"`(defaults)?\.{field}`", MANUAL.read_text())


def test_the_example_of_the_manual_runs(bench):
    (example,) = re.findall(r"```yaml\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    bench.scenario = bench.scenario.with_suffix(".yaml")
    bench.scenario.write_text(example)
    assert len(yaml.safe_load(example)["rules"]) == 3
    created = bench.run(command="create-story", stories="2-1-first")
    assert (created.code, created.result["total_cost_usd"]) == (0, 0.02)
    assert (bench.artifacts / "2-1-first.md").exists()
    failed = bench.run(command="dev-story", stories="2-1-first")
    assert (failed.code, failed.texts) == (1, ["I will start with 2-1."])
    reviewed = bench.run(command="code-review-1", stories="2-1-first")
    assert reviewed.answers[0][1].startswith("Python 3")
    assert "HIGHEST SEVERITY: HIGH\n" in reviewed.texts[-1]
    assert reviewed.result["num_turns"] == 12
    other = bench.run(command="code-review-1", stories="3-1-other")
    assert other.texts[-1] == "ZERO ISSUES"

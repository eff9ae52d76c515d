"""Two new stories with the real Claude CLI: the sprint, and what the agents do with it, command by command.

`test_real_claude.py` plays it once and then looks at everything that came of it. The stand-in fills in `${...}`:
the agent's working folder, and what a pattern has found in the prompt.
"""

import threading

from tests.e2e.real_claude import Bench, Turn, says, shell, turn, uses, writes

PAIR = """\
# The sprint of the shop. People write comments in here.
generated: 2025-11-03   # by sprint planning

development_status:
  epic-2: in-progress
  2-1-greeting:   backlog   # first: the other one builds on it
  "2-2-farewell": 'backlog' # waits for legal
  2-10-archive: done
  epic-2-retrospective: optional

# 2-1-greeting: backlog was agreed on Monday
"""
PAIR_DONE = PAIR.replace(":   backlog", ":   done").replace("'backlog'", "'done'")

ARTIFACTS = "${cwd}/_bmad-output/implementation-artifacts"
SPRINT = f"{ARTIFACTS}/sprint-status.yaml"
LOG = r".*?(?P<log>\S+ -m runner log)"
"""Ends a pattern: what the prompt says tasks are reported with."""
DONE = '1760000009,2,2-1,dev-story,implement,end,"words (files:1, tests:1/1 passed)"'
"""A line of the log format."""


def sets_status(story: str, old: str, new: str) -> Turn:
    """The CLI edits only what it has read."""
    return turn(uses("Edit", file_path=SPRINT, old_string=f"{story}:   {old}", new_string=f"{story}:   {new}"))


def play_pair(bench: Bench) -> None:
    """What the agents do in a cycle of two new stories. Who has to meet another one waits for it."""
    creation, background = (threading.Barrier(2, timeout=20) for _ in range(2))
    bench.plays(
        "generate-project-context",
        turn(writes("${cwd}/_bmad-output/planning-artifacts/project-context.md", "# Context\n\nShort words.\n")),
        turn(says("Written.")),
    )
    bench.plays(
        f"create-story\n{LOG}",
        turn(
            says("I begin."),
            shell('${log} 2 2-1 create-story setup start "reading the epics"'),
            writes(f"{ARTIFACTS}/2-1-greeting.md", "# Greeting\n"),
            writes(f"{ARTIFACTS}/2-2-farewell.md", "# Farewell\n"),
        ),
        turn(
            says("2-1: [TECH-SPEC-DECISION: REQUIRED] (new)\n2-2: [TECH-SPEC-DECISION: SKIP] (alike)"),
            uses("Read", file_path=SPRINT),
        ),
        sets_status("2-1-greeting", "backlog", "ready-for-dev"),
        turn(says("Both stories are written.")),
        before=creation.wait,
    )
    bench.plays(
        "story-discovery",
        turn(
            writes(f"{ARTIFACTS}/2-1-discovery-story.md", "# Found\n"),
            writes(f"{ARTIFACTS}/2-2-discovery-story.md", "# Found\n"),
        ),
        turn(says("Found.")),
        before=creation.wait,
    )
    bench.plays("story-review-1", turn(says("2-1-greeting\n- it greets nobody\nCRITICAL ISSUES FOUND: 1")))
    bench.plays("story-review-2", turn(says("CRITICAL ISSUES FOUND: 1")), before=background.wait)
    bench.plays("story-review-3", turn(says("NO CRITICAL ISSUES FOUND")))
    bench.plays(
        "create-tech-spec",
        turn(
            writes(f"{ARTIFACTS}/tech-spec-2-1-greeting.md", "# How\n"),
            writes(f"{ARTIFACTS}/tech-spec-2-2-farewell.md", "# How\n"),
        ),
        turn(says("TECH SPEC CREATED")),
        before=background.wait,
    )
    bench.plays("tech-spec-review-1", turn(says("NO CRITICAL ISSUES FOUND")))
    bench.plays(
        f"dev-story\n.*2-1-greeting{LOG}",
        turn(
            shell("${log} 2 2-1 dev-story implement start 'the words' | tee .git/logged"),
            writes("${cwd}/greeting.txt", "Hello!\n"),
        ),
        turn(shell('test "$(cat greeting.txt)" = "Hello!" && cat .git/logged')),
        turn(says(f"It passes.\n{DONE}"), uses("Read", file_path=SPRINT)),
        sets_status("2-1-greeting", "in-progress", "review"),
        turn(says(f"Done. To say it again:\n{DONE}")),
    )
    bench.plays(
        "dev-story\n.*2-2-farewell", turn(writes("${cwd}/farewell.txt", "Bye.\n")), turn(says("Implemented."))
    )
    for number, severity in enumerate(("HIGH", "MEDIUM", "LOW"), start=1):
        finding = f"- [{severity}] Finding {'abc'[number - 1]}\nHIGHEST SEVERITY: {severity}"
        bench.plays(f"code-review-{number}\n.*2-1-greeting", turn(says(finding)))
    bench.plays("code-review-1\n.*2-2-farewell", turn(says("ZERO ISSUES")))
    play_commit(bench)


def play_commit(bench: Bench) -> None:
    """The commit of everything, with the subject that the prompt asks for."""
    commit = "git add --all && git commit --quiet --message '${subject}'"
    bench.plays(r"batch-commit.*?(?P<subject>feat\([^\n]+)", turn(shell(commit)), turn(says("Committed.")))

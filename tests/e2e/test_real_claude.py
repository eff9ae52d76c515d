"""x"""
import json
import pytest
from tests.support.checker import violations
from tests.support.project import git, sprint_file
from tests.support.runs import query, wait_until
pytest_plugins = ["tests.e2e.real_claude"]
pytestmark = pytest.mark.claude

ONE = """\
development_status:
  epic-2: in-progress
  2-1-greeting: in-progress
"""

def test_simple(bench, stub):
    turn, text, tool_use = stub.turn, stub.text, stub.tool_use
    bench.begin(ONE)
    bench.plays(r"dev-story.*?(?P<log>\S+ -m runner log)", turn(tool_use("Bash", command='${log} 2 2-1 dev-story setup start "looking around"')),
       turn(tool_use("Write", file_path="${cwd}/a.txt", content="x")), turn(text("ok")))
    bench.plays("code-review-1", turn(text("ZERO ISSUES")))
    bench.plays(r"batch-commit.*?(?P<subject>feat\([^\n]+)", turn(tool_use("Bash", command="git add -A && git commit -qm '${subject}'")), turn(text("ok")))
    done = bench.run("--cycles", "1")
    print(done.stdout, done.stderr)
    for c in bench.api.calls: print(c.number, c.session_id, c.model, repr(c.prompt[:60]), c.turn_index, c.cwd)
    print(bench.api.stats())
    for row in bench.rows("*"): print(row)
    print(violations(bench.project))
    for r in query(bench.project, "select payload_json from events where event_type='command:progress'"): print(r)
    assert 0

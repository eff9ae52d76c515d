"""The house rules that a machine can check, over the syntax trees of all modules.

Each rule is a function from a module to complaints of the form `file:line words`. `PLANTED` proves that every rule
can fail. Adding to one of the tables below is a decision: the entry says why.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("runner", "actors", "web")

# From the bottom up. A module may import from lower bands and from its own; `web` and `actors` are the exception.
BANDS = (
    ("runner.crashpoint", "runner.domain"),
    ("runner.agents",),
    ("runner.guard", "runner.redact", "runner.settings", "runner.store", "runner.workspace"),
    ("actors", "web", "runner.display"),
    ("runner",),
)
SIBLINGS = ("actors", "web", "runner.display")
"""One band, and yet they never import each other."""
PURE = ("runner.domain", "runner.agents")
PURE_IMPORTS = {
    *("binascii", "collections", "dataclasses", "datetime", "enum", "functools", "itertools", "json", "math"),
    *("msgspec", "re", "typing", "zoneinfo"),
}
"""What touches neither files nor clocks nor chance."""
CHILD_PROGRAM = "runner.agents.scripted_"
"""The scripted agent is a program of its own that runs in a child process."""

MODULE_LINES = 300
TABLE_LINES = 400
TABLES = ("runner.domain.events", "runner.domain.taxonomy", "runner.domain.wire")
FUNCTION_LINES = 50
MOST_FUNCTION_LINES = 25
"""Nine of ten functions are no longer."""

UNBRACKETED = {
    CHILD_PROGRAM: "the agent's side",
    "runner.commands.": "the doctor's own tries",
    "runner.demo": "the sample project, before there is a batch",
}
"""Where a commit, a rename or a spawn changes nothing that a resume relies on."""

ANY_IS_KNOWN = {
    "actors.recorder": "one mailbox takes changes of every result",
    "runner.agents.claude_stream": "decoder",
    "runner.agents.claude_verdict": "decoder",
    "runner.agents.claude_wire": "decoder",
    "runner.agents.scripted_faults": "prints lines of any shape",
    "runner.agents.scripted_language": "decoder",
    "runner.cli": "what click hands over",
    "runner.settings": "decoder",
    "runner.store.original_events": "decoder",
    "runner.store.queries": "rows of SQLite",
    "web.access": "ASGI messages",
    "web.openapi": "JSON schemas",
    "web.routes": "what a request holds, by the types of its route",
}


@dataclass(frozen=True)
class Module:
    name: str
    path: str
    source: str
    tree: ast.Module

    @classmethod
    def of(cls, name: str, source: str, path: str = "") -> "Module":
        return cls(name, path or f"{name}.py", source, ast.parse(source))

    def __repr__(self) -> str:
        return self.path

    def says(self, node: ast.AST, words: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)} {words}"

    def within(self, package: str) -> bool:
        return self.name == package or self.name.startswith(f"{package}.")

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Calls of functions with such a last name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                # open_memory_channel[int](5)
                function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in names:
                    yield node


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            relative = path.relative_to(CHECKOUT)
            if "demo" in relative.parts and path.name != "__init__.py":
                continue  # the sample project's own code
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            found.append(Module.of(name, path.read_text(), str(relative)))
    return tuple(found)


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported name, in full: `from actors import gate` imports `actors.gate`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def band_of(name: str) -> tuple[int, str]:
    """The band and the part that a name belongs to, by the longest match."""
    parts = [(number, part) for number, band in enumerate(BANDS) for part in band]
    fitting = [(number, part) for number, part in parts if name == part or name.startswith(f"{part}.")]
    return max(fitting, key=lambda found: len(found[1]), default=(-1, ""))


def functions(module: Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Every function and its lines, without the docstring."""
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
            inside = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
            yield node, (node.end_lineno or 0) - node.lineno + 1 - inside


# The rules


def imports_point_down(module: Module) -> Iterator[str]:
    band, part = band_of(module.name)
    for node, name in imports(module):
        other_band, other_part = band_of(name)
        if name == "runner.__version__":
            continue
        if other_band > band:
            yield module.says(node, f"imports {name}, which lies above it")
        elif part in SIBLINGS and other_part in SIBLINGS and part != other_part:
            yield module.says(node, f"imports its sibling {name}")


def pure_modules_are_pure(module: Module) -> Iterator[str]:
    if not any(module.within(package) for package in PURE) or module.name.startswith(CHILD_PROGRAM):
        return
    for node, name in imports(module):
        if name.partition(".")[0] not in (*PURE_IMPORTS, "runner"):
            yield module.says(node, f"imports {name} and is not pure any more")
        if name.startswith(CHILD_PROGRAM):
            yield module.says(node, f"imports {name}, which runs in a child process only")


def the_package_root_is_empty(module: Module) -> Iterator[str]:
    """`runner` is at the bottom and at the top: a statement in its `__init__` would close the loop."""
    for node in module.tree.body if module.name == "runner" else ():
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_version = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
        if not (is_docstring or is_version):
            yield module.says(node, "holds more than a docstring and __version__")


def modules_are_short(module: Module) -> Iterator[str]:
    lines, limit = len(module.source.splitlines()), TABLE_LINES if module.name in TABLES else MODULE_LINES
    if lines > limit:
        yield f"{module.path} has {lines} lines"


def functions_are_short(module: Module) -> Iterator[str]:
    for node, lines in functions(module):
        if lines > FUNCTION_LINES:
            yield module.says(node, f"{node.name} has {lines} lines")


def modules_say_what_they_are(module: Module) -> Iterator[str]:
    if module.source and not ast.get_docstring(module.tree):
        yield f"{module.path} has no docstring"


def any_stays_at_the_edges(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and node.id == "Any" and module.name not in ANY_IS_KNOWN:
            yield module.says(node, "Any")
            return


def channels_are_bounded(module: Module) -> Iterator[str]:
    for call in module.calls("open_memory_channel", "Mailbox"):
        if any("inf" in ast.unparse(argument) for argument in call.args):
            yield module.says(call, "an unbounded channel")


def no_function_takes_a_timeout(module: Module) -> Iterator[str]:
    for node, _ in functions(module):
        for argument in (*node.args.args, *node.args.kwonlyargs):
            if "timeout" in argument.arg and not module.name.startswith("runner.settings"):
                yield module.says(node, f"{node.name} takes {argument.arg}: callers use move_on_after")


def shields_have_deadlines(module: Module) -> Iterator[str]:
    timed = {
        ast.unparse(target.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and target.attr == "deadline"
    }
    named = {
        id(node.value): ast.unparse(node.targets[0])
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    }
    for call in module.calls("CancelScope"):
        words = {keyword.arg for keyword in call.keywords}
        if "shield" in words and "deadline" not in words and named.get(id(call)) not in timed:
            yield module.says(call, "a shield without a deadline")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr == "shield" and isinstance(node.ctx, ast.Store):
            yield module.says(node, "a shield that is put up later")


def trio_is_imported_whole(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "trio":
            yield module.says(node, "from trio import …")


def nothing_goes_through_a_shell(module: Module) -> Iterator[str]:
    for call in module.calls("system", "popen", "getoutput", "getstatusoutput"):
        if ast.unparse(call.func).startswith(("os.", "subprocess.")):
            yield module.says(call, ast.unparse(call.func))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            yield module.says(node.value, "shell=")


def what_is_no_exception_is_raised_again(module: Module) -> Iterator[str]:
    """Cancelled among it: who catches everything passes it on."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = "BaseException" if node.type is None else ast.unparse(node.type)
            everything = caught in ("BaseException", "trio.Cancelled")
            if everything and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                yield module.says(node, f"swallows {caught}")


def what_lasts_stands_between_crashpoints(module: Module) -> Iterator[str]:
    """Each commit, rename and spawn can be killed on either side by the tests that prove the resume."""
    if module.name.startswith(tuple(UNBRACKETED)):
        return
    bracketed = {
        id(inner)
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.With, ast.AsyncWith))
        and any(ast.unparse(item.context_expr).startswith("crashpoints(") for item in node.items)
        for inner in ast.walk(node)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _lasts(node) and id(node) not in bracketed:
            yield module.says(node, f"{ast.unparse(node.func)} without crashpoints")


def _lasts(call: ast.Call) -> bool:
    function = ast.unparse(call.func)
    if function.endswith((".execute", ".executescript")):
        statement = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
        return str(statement).upper().startswith(("COMMIT", "END"))
    of_the_system = function.startswith(("os.fork", "os.posix_spawn", "os.rename", "os.replace", "subprocess."))
    return of_the_system or function.endswith((".open_process", ".run_process", ".rename", ".commit"))


RULES: tuple[Callable[[Module], Iterator[str]], ...] = (
    imports_point_down,
    pure_modules_are_pure,
    the_package_root_is_empty,
    modules_are_short,
    functions_are_short,
    modules_say_what_they_are,
    any_stays_at_the_edges,
    channels_are_bounded,
    no_function_takes_a_timeout,
    shields_have_deadlines,
    trio_is_imported_whole,
    nothing_goes_through_a_shell,
    what_is_no_exception_is_raised_again,
    what_lasts_stands_between_crashpoints,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Callable[[Module], Iterator[str]]):
    assert [complaint for module in modules() for complaint in rule(module)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nine_of_ten_functions_are_short(package: str):
    lengths = sorted(lines for module in modules() if module.within(package) for _, lines in functions(module))
    assert not lengths or lengths[len(lengths) * 9 // 10] <= MOST_FUNCTION_LINES


def test_every_exception_is_still_needed():
    known = {module.name: module for module in modules()}
    for name in ANY_IS_KNOWN:
        assert "Any" in known[name].source, f"{name} needs no Any any more"
    for name in TABLES:
        assert name in known


LONG_FUNCTION = "def f():\n" + "    pass\n" * FUNCTION_LINES
PLANTED = [
    (imports_point_down, "runner.domain.model", "from runner.agents.base import Decoder"),
    (imports_point_down, "runner.agents.claude", "import runner.store.database"),
    (imports_point_down, "runner.store.journal", "def f():\n    from actors.mailbox import Mailbox"),
    (imports_point_down, "runner.workspace.git", "from runner import app"),
    (imports_point_down, "actors.batch", "from runner.app import build"),
    (imports_point_down, "actors.batch", "from web import live"),
    (imports_point_down, "web.live", "from actors.fanout import Fanout"),
    (imports_point_down, "runner.display.lines", "import actors.tree"),
    (pure_modules_are_pure, "runner.domain.model", "import trio"),
    (pure_modules_are_pure, "runner.domain.model", "from os import path"),
    (pure_modules_are_pure, "runner.agents.claude", "import time"),
    (pure_modules_are_pure, "runner.agents.scripted", "from runner.agents import scripted_child"),
    (the_package_root_is_empty, "runner", "'''Text.'''\nfrom runner.app import run_batch"),
    (modules_are_short, "actors.batch", "\n" * (MODULE_LINES + 1)),
    (modules_are_short, "runner.domain.events", "\n" * (TABLE_LINES + 1)),
    (functions_are_short, "actors.batch", LONG_FUNCTION),
    (modules_say_what_they_are, "actors.batch", "import trio"),
    (any_stays_at_the_edges, "actors.batch", "from typing import Any\nx: dict[str, Any] = {}"),
    (channels_are_bounded, "actors.batch", "trio.open_memory_channel[int](math.inf)"),
    (channels_are_bounded, "actors.batch", "trio.open_memory_channel(math.inf)"),
    (channels_are_bounded, "actors.batch", "Mailbox(float('inf'))"),
    (no_function_takes_a_timeout, "actors.batch", "async def f(*, timeout): ..."),
    (shields_have_deadlines, "actors.batch", "with trio.CancelScope(shield=True): ..."),
    (shields_have_deadlines, "actors.batch", "scope = trio.CancelScope(shield=True)"),
    (shields_have_deadlines, "actors.batch", "scope.shield = True"),
    (trio_is_imported_whole, "actors.batch", "from trio import sleep"),
    (nothing_goes_through_a_shell, "actors.batch", "subprocess.run('ls', shell=True)"),
    (nothing_goes_through_a_shell, "actors.batch", "os.system('ls')"),
    (what_is_no_exception_is_raised_again, "actors.batch", "try: ...\nexcept BaseException: pass"),
    (what_is_no_exception_is_raised_again, "actors.batch", "try: ...\nexcept: pass"),
    (what_is_no_exception_is_raised_again, "actors.batch", "try: ...\nexcept trio.Cancelled: pass"),
    (what_lasts_stands_between_crashpoints, "actors.batch", "await trio.lowlevel.open_process([])"),
    (what_lasts_stands_between_crashpoints, "runner.store.journal", "db.execute('COMMIT')"),
    (what_lasts_stands_between_crashpoints, "runner.workspace.atomic", "os.replace(a, b)"),
    (what_lasts_stands_between_crashpoints, "runner.workspace.atomic", "path.rename(b)"),
    (what_lasts_stands_between_crashpoints, "runner.guard.guard", "with closing(x):\n    os.fork()"),
]


@pytest.mark.parametrize(("rule", "name", "source"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_every_rule_can_be_broken(rule: Callable[[Module], Iterator[str]], name: str, source: str):
    assert list(rule(Module.of(name, source)))


def test_a_function_of_just_the_limit_is_let_pass_whatever_its_docstring():
    lines = "def f():\n" + '    """One.\n\n    Two.\n    """\n' + "    pass\n" * (FUNCTION_LINES - 1)
    assert list(functions_are_short(Module.of("actors.batch", lines))) == []

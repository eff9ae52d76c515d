"""The prompt texts that agents get: the project's own where it has them, else the runner's.

Loaded as a whole before a batch starts, so that a spoilt prompt stops nothing half-way. Never fills anything in:
see `runner.domain.prompts`.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from runner.domain.errors import ProjectError
from runner.domain.prompts import PROMPT_NAMES, VARIABLES, PromptText, unknown_variables
from runner.workspace.project import Paths
from runner.workspace.reading import read_regular

_SIZE_LIMIT: Final = 1024 * 1024
"""Bytes of one prompt; agents accept 10 MB in all, story texts included."""


def load_prompts(paths: Paths) -> Mapping[str, PromptText]:
    """All prompts by name. ProjectError names the file, and the variable where one is unknown."""
    return {name: _own(paths.prompts / f"{name}.md", name) or _bundled(name) for name in PROMPT_NAMES}


def _own(path: Path, name: str) -> PromptText | None:
    try:
        data = read_regular(path, limit=_SIZE_LIMIT)
        return _checked(name, data.decode("utf-8-sig"), source=str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None
    except OSError as error:
        raise ProjectError(
            f"cannot read prompt {path}: {error.strerror}",
            hint="check the file, or remove it to use the runner's own prompt",
        ) from None


def _bundled(name: str) -> PromptText:
    file = files("runner") / "prompts" / f"{name}.md"
    return _checked(name, file.read_text(encoding="utf-8"), source=str(file))


def _checked(name: str, text: str, *, source: str) -> PromptText:
    if not text.strip():
        raise ProjectError(f"{source} is empty", hint="write the prompt, or remove the file")
    if unknown := unknown_variables(text):
        wanted = ", ".join(f"{{{{{variable}}}}}" for variable in unknown)
        raise ProjectError(f"{source} asks for unknown {wanted}", hint=f"known are: {', '.join(sorted(VARIABLES))}")
    return PromptText(name=name, text=text, source=source)

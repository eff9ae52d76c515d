"""What is taken out of texts, and what is left in them."""

import json

import pytest

from runner.domain.redaction import redact_all
from runner.redact import MARK, redactor

SECRET = 'first "half"\nof it'
ENVIRONMENT = {"API_KEY": "abcdefgh12345678", "my_password": SECRET, "TOKEN_SHORT": "short", "HOME": "somewhere-else"}
redact = redactor(ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is abcdefgh12345678.", f"it is {MARK}."),
        ("short words and somewhere-else stay", "short words and somewhere-else stay"),
        (f"<{SECRET}>", f"<{MARK}>"),
        ('put into one line: first "half" of it', f"put into one line: {MARK}"),
        (f"as JSON {json.dumps(SECRET)}", f'as JSON "{MARK}"'),
        (f"as Python {SECRET!r}", f"as Python '{MARK}'"),
        ('in a table "first ""half"" of it"', f'in a table "{MARK}"'),
        ("cut off: abcdefgh1…", f"cut off: {MARK}…"),
        ("cut off twice: abcdefgh… and abcdefgh123…!", f"cut off twice: {MARK}… and {MARK}…!"),
        ("abc… is anybody's", "abc… is anybody's"),
        (
            "abcdefgh1 is not the beginning of anything that was cut",
            "abcdefgh1 is not the beginning of anything that was cut",
        ),
        ("sk-ant-api03-0123456789abcdef", MARK),
        ("sk-ant-api03-01…", f"{MARK}…"),
        ("task-list…", "task-list…"),
    ],
)
def test_secrets_are_replaced_however_they_are_written(text: str, shown: str):
    assert redact(text) == shown


def test_every_text_of_a_value_is_redacted():
    value = {"abcdefgh12345678": ["x", {"y": "abcdefgh12345678"}], "n": 1, "none": None, "yes": True}
    assert redact_all(value, redact) == {MARK: ["x", {"y": MARK}], "n": 1, "none": None, "yes": True}


def test_without_secrets_nothing_changes():
    assert redactor({})("as it is") == "as it is"

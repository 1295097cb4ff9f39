"""No form of a URL, however mistyped, shows its password in a message."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import (
    EngineError,
    StoreUnreachableError,
    UnknownStoreError,
    error_line,
    masked,
    scrubbed,
)
from engine.core.store_url import StoreURL, safe_url
from loaders.open import EXAMPLES

ROOT = Path(__file__).parents[2]
SECRET = "Xq7zSecretWord"
FORMS = (
    "postgresql://user:{}@host/db",
    "postgresql:/user:{}@host/db",
    "postgresql:user:{}@host/db",
    "postgresql:///user:{}@host/db",
    "postgressql://user:{}@host/db",
    " postgresql://user:{}@host/db",
    "user:{}@host/db",
    "postgresql:{}@host",
    "mysql://us er:{}@host/db",
    "postgresql://us/er:{}@host/db",
    "postgresql://user:%41{}@host/db",
    "postgresql://host/db?password={}",
    "postgresql://host/db?sslmode=require&PassWord={}",
    "postgresql://host/db?pass%77ord={}",
    "host=h user=u password={} dbname=d",
    "host=h password='{}' dbname=d",
    "postgres//user:{}@host/db",
    "postgresql://host/db?pwd={}",
    "postgresql://host/db?user=u&api_key={}",
    "host=h passwd={} dbname=d",
    "host=h pwd = '{}' dbname=d",
    "md:book?motherduck_token={}",
)
IN_WORDS = [form for form in FORMS if form.startswith(("postgres", "host=", "md:"))]


@pytest.mark.parametrize("form", FORMS)
@given(before=st.text(max_size=6), after=st.text(max_size=6))
def test_no_form_of_a_url_shows_its_password(form: str, before: str, after: str) -> None:
    harmless = str.maketrans("", "", " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0?#&'\"")
    word = "".join(before.translate(harmless).split()) + SECRET + "".join(after.translate(harmless).split())
    url = form.format(word.lstrip("/"))
    errors = UnknownStoreError(url, EXAMPLES), StoreUnreachableError(url, url)
    for shown in (safe_url(url), repr(StoreURL.parse(url)), *map(str, errors)):
        assert SECRET not in shown


@pytest.mark.parametrize("form", IN_WORDS)
def test_a_message_that_quotes_a_url_is_masked(form: str) -> None:
    if "%77" in form:
        pytest.skip("spelt so only a URL is taken apart, not a sentence")
    sentence = f"could not reach {form.format(SECRET)}, giving up"
    for shown in (masked(sentence), str(EngineError(sentence)), error_line(ValueError(sentence))):
        assert SECRET not in shown


@pytest.mark.parametrize(
    "url",
    ["duckdb:////data/me@work/x.duckdb", "parquet:///a b/c", "postgresql://u@h:5432/db?sslmode=require"],
)
def test_what_is_no_secret_is_shown(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "part",
    ["a", " ", "a:", "a://", "a:/@", "pass", "password=", "password='", "x=", "@", "/", "\n", "LINE 1", "%"],
)
@pytest.mark.parametrize("show", [masked, safe_url, lambda text: scrubbed(text, "postgresql://u:pw@h/d")])
def test_masking_takes_time_in_proportion_to_the_text(part: str, show: Callable[[str], str]) -> None:
    """A million characters: in the square of that, hours."""
    text = part * (1_000_000 // len(part))
    before = time.process_time()
    show(text)
    assert time.process_time() - before < 30


def test_the_record_of_a_run_masks_every_argument(tmp_path: Path) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:1/db"
    more = ["--to", url, "--scenarios", url, "--portfolio", url, "--portfolio", f"?pwd={SECRET}"]
    done = subprocess.run(
        [sys.executable, "-m", "engine", "backfill", "--from", "duckdb:///none", *more],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    record = (tmp_path / "run_results.json").read_text()
    assert done.returncode == 2
    assert "***@127.0.0.1" in record
    assert SECRET not in done.stdout + done.stderr + record


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
def test_the_command_line_leaves_no_password_anywhere(tmp_path: Path, form: str) -> None:
    url = form.format(SECRET)
    for arguments in (["backfill", "--from", url], ["status", url, url]):
        done = subprocess.run(
            [sys.executable, "-m", "engine", *arguments],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PGCONNECT_TIMEOUT": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert SECRET not in done.stdout + done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} >= {tmp_path.name, "run_results"}
    for path in left:
        assert SECRET not in path.read_text()

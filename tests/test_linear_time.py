"""What a server or a file says is read in linear time, however it repeats itself.

Each reader gets hostile texts of a hundred kilobytes in a process of its own, which a hard time-out ends: work
that grows with the square of the length takes minutes for any one of them.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import readers

SECONDS = 100


def run(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "helpers.readers", *arguments], cwd=Path(__file__).parent, timeout=SECONDS, check=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", readers.READERS)
def test_a_reader_takes_linear_time_for_what_is_hostile(name: str) -> None:
    run(name)


@pytest.mark.slow
def test_an_error_body_of_many_megabytes_is_not_looked_at_as_a_whole() -> None:
    run("--large")


def test_the_texts_are_as_long_as_they_should_be() -> None:
    texts = readers.hostile_texts(random.Random(1), 1000)
    assert {len(text) for text in texts} == {1000}
    assert len(texts) > len(readers.FRAGMENTS) * 3

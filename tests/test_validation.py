"""Checks of arguments: what each accepts, and what the error says."""

import math
from pathlib import Path

import pytest

from aishoot_async import ConfigurationError, RequestValidationError
from aishoot_async.validation import (
    check_body,
    check_bool,
    check_brief_id,
    check_choice,
    check_flag,
    check_int,
    check_nonblank,
    check_opaque_id,
    check_positive,
    check_seconds,
    check_text,
    path_segment,
    path_text,
)

HUGE = 10**5000


@pytest.mark.parametrize("value", [1, 7, 9])
def test_an_integer_in_range_is_returned(value):
    assert check_int("n", value, 1, 9) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "n must be a whole number from 1, not 0"),
        (True, "n must be a whole number from 1, not True"),
        (2.0, "n must be a whole number from 1, not 2.0"),
        ("2", "n must be a whole number from 1, not '2'"),
        (None, "n must be a whole number from 1, not None"),
        (HUGE, f"n must be a whole number from 1 to 9, not one of {HUGE.bit_length()} bits"),
    ],
    ids=lambda value: str(value)[:9] if value is not HUGE else "huge",
)
def test_an_integer_out_of_range_or_of_another_type_is_refused(value, said):
    with pytest.raises(ConfigurationError) as caught:
        check_int("n", value, 1, 9)
    assert str(caught.value) == said


@pytest.mark.parametrize("check", [check_seconds, check_positive])
@pytest.mark.parametrize(
    "value", [-1, -0.5, math.nan, math.inf, 10**400, True, "1", None], ids=lambda one: str(one)[:9]
)
def test_what_no_clock_can_wait_for_is_refused(check, value):
    with pytest.raises(ConfigurationError, match="wait must be a "):
        check("wait", value)


def test_zero_is_a_number_of_seconds_and_not_positive():
    assert check_seconds("wait", 0) == 0
    with pytest.raises(ConfigurationError, match="wait must be a positive number, not 0"):
        check_positive("wait", 0)


def test_a_choice_is_named_with_the_others():
    check_choice("prefer", None, ("catalog", "remote", None))
    with pytest.raises(ConfigurationError) as caught:
        check_choice("prefer", "both", ("catalog", "remote", None))
    assert str(caught.value) == """prefer must be "catalog", "remote" or None, not 'both'"""


@pytest.mark.parametrize(("check", "error"), [(check_bool, ConfigurationError), (check_flag, RequestValidationError)])
def test_only_a_boolean_is_one(check, error):
    assert check("strict", value=False) is False
    for value in (0, 1, "yes", None):
        with pytest.raises(error, match="strict must be True or False, not "):
            check("strict", value)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_a_brief_is_named_by_an_integer(value):
    assert check_brief_id(-3) == -3
    with pytest.raises(RequestValidationError, match="brief_id must be an integer, not ") as caught:
        check_brief_id(value)
    assert caught.value.field == "brief_id"


@pytest.mark.parametrize(
    ("check", "value", "wanted"),
    [
        (check_text, 3, "a string"),
        (check_text, "\ud800", "text without lone surrogates"),
        (check_nonblank, "", "a non-blank string"),
        (check_nonblank, " \t", "a non-blank string"),
        (check_nonblank, "a\ud800", "text without lone surrogates"),
        (check_opaque_id, "", "a non-empty string, without control characters and lone surrogates"),
        (check_opaque_id, "a\n", "a non-empty string, without control characters and lone surrogates"),
        (
            path_segment,
            "..",
            "a non-empty string other than '.' and '..', without control characters and lone surrogates",
        ),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_by_its_field(check, value, wanted):
    with pytest.raises(RequestValidationError) as caught:
        check("name", value)
    assert str(caught.value) == f"name must be {wanted}, not {value!r}"
    assert caught.value.field == "name"


def test_an_id_is_one_segment_of_a_path():
    assert path_segment("sku_id", "a/b ..%2F") == "a%2Fb%20..%252F"


def test_a_body_is_of_the_operation_s_type():
    check_body("text", str)
    with pytest.raises(RequestValidationError, match="this operation takes a dict, not a str"):
        check_body("text", dict)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (Path("a/b"), "a/b"), ("", None), ("a\0", None), (b"a", None), (3, None)]
)
def test_a_path_is_text_that_a_file_can_have_for_a_name(value, text):
    assert path_text(value) == text

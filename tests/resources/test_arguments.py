"""What a caller hands to an operation, and cannot work, is refused before any call."""

import pytest

from aishoot_async import AIShootSession, ConfigurationError, RequestValidationError
from helpers.sessions import TOKEN

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": 0},
        {"page_size": True},
        {"page_size": "7"},
        {"prefetch": 0},
        {"prefetch": 1.5},
        {"on_drift": "shrug"},
        {"start": -1},
        {"start": "1:0:100"},
        {"envelope": "data.rows"},
        {"into": 3},
        {"into": complex},
        {"colour": "red"},
    ],
)
async def test_an_option_that_cannot_work_is_refused_before_any_call(options):
    session = AIShootSession(TOKEN)
    with pytest.raises(ConfigurationError):
        session.skus.list(**options)
    with pytest.raises(ConfigurationError):
        session.briefs.results(1, **options)
    await session.aclose()


@pytest.mark.parametrize("wrong", ["1", True, 1.0, None, b"1"])
def test_a_brief_id_is_an_integer(wrong):
    with pytest.raises(RequestValidationError) as caught:
        AIShootSession(TOKEN).briefs.results(wrong)
    assert caught.value.field == "brief_id"


@pytest.mark.parametrize("field", ["project_filter", "sku_id_filter"])
@pytest.mark.parametrize("wrong", [7, b"a", "\ud800"])
def test_a_filter_is_a_string(field, wrong):
    with pytest.raises(RequestValidationError) as caught:
        AIShootSession(TOKEN).skus.list(**{field: wrong})
    assert caught.value.field == field

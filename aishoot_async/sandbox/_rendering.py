"""How a SKU's fields look in answers. Pure; what is stored stays as it was sent."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from attrs import frozen

from aishoot_async.sandbox._options import RenderImages

_IMAGES: Final = ("frontImage", "backImage")
_FORMS: Final[dict[RenderImages, str]] = {
    "identifier": "{}",
    "file": "{}.jpg",
    "url": "https://images.example/organizations/7/{}?width=1500",
}


@frozen
class Rendering:
    """`images`: a form of the setting `render_images`; `omitted`: fields that no answer has."""

    images: RenderImages = "identifier"
    omitted: Collection[str] = ()

    def apply(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields as they go over the wire."""
        shown = {name: value for name, value in fields.items() if name not in self.omitted}
        for name in _IMAGES:
            if isinstance(shown.get(name), str):
                shown[name] = _FORMS[self.images].format(shown[name])
        return shown

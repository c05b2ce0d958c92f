"""Activities and `unknown` have distinct colours on light and on dark pages."""

from itertools import combinations

from device.history.colours import COLOURS, OTHER, css, css_class

PAGES = ((255, 255, 255), (22, 22, 22))


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def test_no_two_share_a_colour_and_each_stands_out_from_the_page() -> None:
    for side, page in enumerate(PAGES):
        colours = {name: rgb(pair[side]) for name, pair in COLOURS.items()}
        for one, other in combinations(colours, 2):
            apart = sum(abs(a - b) for a, b in zip(colours[one], colours[other], strict=True))
            assert apart > 40, (one, other)
        for name, colour in colours.items():
            assert sum(abs(a - b) for a, b in zip(colour, page, strict=True)) > 150, name


def test_an_activity_of_another_model_has_the_colour_of_others() -> None:
    assert css_class("cycling") == f"fill-{OTHER}"
    assert css_class("lying") != css_class("unknown")
    assert all(f".{css_class(name)}{{" in css() for name in COLOURS)

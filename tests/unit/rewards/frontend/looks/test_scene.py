import numpy as np
import pytest

from rewards.frontend.looks.scene import Scene, contrast, first_family, hue_saturation, relative_luminance
from tests.unit.rewards.frontend.looks.drawing import WHITE, Drawing


def ratio(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(contrast(relative_luminance(one), relative_luminance(other)))


def test_contrast_of_black_on_white_is_21_and_of_a_colour_on_itself_1() -> None:
    assert ratio((0, 0, 0), (255, 255, 255)) == pytest.approx(21)  # (1 + 0.05) / (0 + 0.05)
    assert ratio((90, 12, 200), (90, 12, 200)) == pytest.approx(1)


def test_contrast_of_the_grey_that_just_passes() -> None:
    # 118 / 255 = 0.46275; ((0.46275 + 0.055) / 1.055) ** 2.4 = 0.18116; 1.05 / 0.23116 = 4.542
    assert ratio((118, 118, 118), (255, 255, 255)) == pytest.approx(4.542, abs=1e-3)
    assert ratio((119, 119, 119), (255, 255, 255)) < 4.5


def test_luminance_weighs_the_channels() -> None:
    assert relative_luminance([(255, 0, 0), (0, 255, 0), (0, 0, 255)]) == pytest.approx([0.2126, 0.7152, 0.0722])


def test_hue_of_the_primaries() -> None:
    hue, saturation, value = hue_saturation(np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)]))
    assert hue.tolist() == [0, 120, 240, 0]
    assert saturation.tolist() == [1, 1, 1, 0]
    assert value[3] == pytest.approx(128 / 255)


def test_the_first_family_loses_its_quotes() -> None:
    assert first_family('"Liberation Sans", serif') == "liberation sans"


def test_contrast_of_a_line_is_read_from_the_picture() -> None:
    drawing = Drawing()
    grey = drawing.box(100, 100, 400, 40, background=(118.0, 118.0, 118.0, 1.0), colour=WHITE)
    drawing.text(grey, "white on grey", x=120, y=110)
    (read,) = Scene(drawing.view()).read
    assert read.seen
    assert read.contrast == pytest.approx(4.542, abs=1e-3)
    assert read.ground == (118, 118, 118)


def test_half_transparent_text_has_the_contrast_of_what_is_seen() -> None:
    drawing = Drawing()
    place = drawing.box(100, 100, 400, 40, colour=(0.0, 0.0, 0.0, 0.5))
    drawing.text(place, "faint")
    (read,) = Scene(drawing.view()).read
    assert read.contrast == pytest.approx(ratio((127.5, 127.5, 127.5), (255, 255, 255)), abs=1e-3)


def test_text_without_ink_is_not_seen() -> None:
    drawing = Drawing()
    drawing.text(drawing.box(100, 100, 400, 40), "covered by something", ink=False)
    drawing.text(drawing.box(100, 200, 400, 40, colour=WHITE), "white on white")
    assert [read.seen for read in Scene(drawing.view()).read] == [False, False]


def test_lines_that_styles_hide_are_no_lines() -> None:
    drawing = Drawing()
    drawing.text(drawing.box(100, 100, 400, 40, opacity=0.01), "transparent")
    drawing.text(drawing.box(100, 200, 400, 40, visible=(100, 200, 0, 0)), "invisible")
    drawing.text(drawing.box(100, 300, 400, 40), "clipped away", left=0.1)
    kept = drawing.text(drawing.box(100, 400, 400, 40), "shown")
    assert Scene(drawing.view()).lines == [kept]

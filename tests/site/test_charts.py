"""Drawings: to scale, said in words, and legible when there is little or much to draw."""

import re
from pathlib import Path

import pytest

from wellspring.tasks.site import charts
from wellspring.tasks.site.charts import Place, Point, Step

STYLES = (Path(__file__).parents[2] / "deployments" / "dashboard" / "site.css").read_text(encoding="utf-8")
# What stands on what; drawings stand on panels, bars also on their own track.
TEXTS = [
    *[(text, ground) for text in ("ink", "quiet", "accent") for ground in ("paper", "panel", "accent-soft")],
    *[(text, "line") for text in ("ink", "quiet")],
    *[(text, "bad-soft") for text in ("ink", "accent", "bad")],
    *[("good", "good-soft"), ("warn", "warn-soft"), ("panel", "bad")],
]
MARKS = [
    *[(mark, "panel") for mark in ("accent", "bad", "quiet", "ink", *(f"t{n}" for n in range(8)))],
    *[("accent", "paper"), ("quiet", "paper"), ("accent", "line"), ("bad", "line")],
]


def colours(scheme: str) -> dict[str, str]:
    """Return the style sheet's colours by name; what dark does not name anew stays as in light."""
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in STYLES.split("@media", 2)[:2])
    return light if scheme == "light" else light | dark


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, in [1, 21], as WCAG 2.2 defines it."""
    parts = [[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in (one, other)]
    linear = [[v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in part] for part in parts]
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (MARKS, 3.0)], ids=["texts", "marks"])
def test_colours_stand_out_from_what_they_stand_on(scheme: str, pairs: list[tuple[str, str]], least: float) -> None:
    named = colours(scheme)

    found = {pair: round(contrast(*(named[name] for name in pair)), 2) for pair in pairs}

    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}


def test_nothing_that_carries_meaning_is_made_faint() -> None:
    faint = [rule for rule, _ in re.findall(r"([^{};]+)\{[^{}]*[ ;{]opacity: (0?\.\d+)", STYLES)]

    assert [rule.strip() for rule in faint] == [".area"]


def heights(drawing: str) -> list[float]:
    return [float(h) for h in re.findall(r'<rect [^>]*height="([\d.]+)"', drawing)]


def test_the_trunk_of_a_funnel_is_to_one_scale_and_branches_carry_what_was_lost() -> None:
    steps = [Step("documents", 200, 150, {"too_short": 50}), Step("selections", 150, 60, {"below": 30})]
    drawn = charts.funnel(steps, "Funnel")

    assert heights(drawn) == [130.0, 97.5]
    for words in ("50 too short", "30 below", "60 not taken", "60 out", "documents: 200 in, 150 out, 50 refused"):
        assert words in drawn


def test_many_reasons_are_drawn_as_the_largest_and_the_rest() -> None:
    reasons = {f"reason_{n}": n for n in range(1, 9)}
    drawn = charts.funnel([Step("documents", 100, 64, reasons)], "Funnel")

    assert drawn.count('class="loss"') == charts.REASONS_DRAWN
    assert "15 other reasons" in drawn


@pytest.mark.parametrize("values", [[], [0.0], [3.0], [0.0, 0.0], [1.0, 1e9, 2.0]])
def test_a_trend_is_drawn_of_any_number_of_runs(values: list[float]) -> None:
    drawn = charts.trend([Point(f"r{n}", v) for n, v in enumerate(values)], "Rows")

    assert drawn.count("<circle") == len(values)
    assert "nan" not in drawn
    assert all(0 <= float(y) <= 84 for y in re.findall(r'cy="([-\d.]+)"', drawn))


def test_a_run_that_failed_has_its_own_mark_and_not_only_its_own_colour() -> None:
    drawn = charts.trend([Point("a", 1), Point("b", 2, "failed"), Point("c", 3)], "Rows")
    told = charts.history([("r1", "held"), ("r2", "failed"), ("r3", "warned")], "text")

    assert 'class="dot bad"' in drawn
    assert [mark in told for mark in "✓✕!"] == [True, True, True]
    assert "failed in 1 of 3 runs" in told


def test_a_map_says_how_much_of_what_it_shows() -> None:
    places = [Place(0.1, 0.2, "instruction", 3, "<b>"), Place(1, 1, "seed", -1, ""), Place(0, 0, "document", -1, "")]
    drawn = charts.scatter(places, "Map")

    assert "1 instruction, 1 seed, 1 document" in drawn
    assert "&lt;b&gt;" in drawn
    assert 'class="topic topic3"' in drawn


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        (0, "0"),
        (1234, "1,234"),
        (12.345, "12.35"),
        (123456, "123 k"),
        (1234567, "1.2 M"),
        (0.5, "0.50"),
    ],
)
def test_numbers_are_written_as_people_read_them(value: float | None, text: str) -> None:
    assert charts.number(value) == text

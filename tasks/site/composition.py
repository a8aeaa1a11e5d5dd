"""The bodies of the site's pages on what is in the store: what the corpus and the dataset are made of."""

from collections.abc import Iterable, Mapping

import polars as pl

from wellspring.tasks.site import charts, links, views, words
from wellspring.tasks.site.browser import Labels
from wellspring.tasks.site.charts import NOTHING, number
from wellspring.tasks.site.facets import FACETS
from wellspring.tasks.site.markup import Child, Html, element, joined, said, table
from wellspring.tasks.spine.watching.saved_measures import DatasetMeasures

Frames = Mapping[str, pl.DataFrame]
ROWS_IN_TABLES = 200
PLACES_ON_MAP = 1500
LANGUAGES_DRAWN = 12
PAIRS_OF_JUDGES = 30


def corpus(frames: Frames) -> Iterable[Child]:
    """Show what the corpus is made of."""
    languages = frames["languages"].filter(pl.col("noun") == "documents")
    lengths = frames["lengths"].filter(pl.col("noun") == "documents")
    bars = [(code, texts, "") for code, texts in languages.select("language", "texts").head(LANGUAGES_DRAWN).rows()]
    by_language = views.bars("Languages, by their ISO codes", bars)
    yield views.section(
        "Composition",
        element("div", by_language, _histogram("Lengths, in tokens", lengths), class_="grid wide"),
        lead="Documents in use, without copies. The bar “512+” counts those of 512 to 1,023 tokens.",
    )
    rows = [
        (
            said(r["name"], 80),
            r["kind"],
            said(r["license"] or "not stated", 40),
            number(r["bytes"]),
            links.count(r["documents"], links.listed("documents", r["name"])),
            links.count(r["duplicates"], links.listed("copies")),
            number(r["tokens"]),
        )
        for r in frames["sources"].head(ROWS_IN_TABLES).to_dicts()
    ]
    heads = (
        "Source",
        "Kind",
        "Licence",
        ("Bytes", views.NUMBER),
        ("Documents", views.NUMBER),
        ("Duplicates", views.NUMBER),
        ("Tokens", views.NUMBER),
    )
    yield views.section(
        "Sources",
        table("Files and addresses that were read, and what came of them", heads, rows, hidden=True),
        lead="A source is a file or address that was read. Duplicates are copies of other documents, and are not used.",
    )
    yield _left_out(frames)
    replaced = [
        (r["kind"].replace("_", " "), number(r["documents"]), number(r["replaced"]))
        for r in frames["redactions"].to_dicts()
    ]
    if replaced:
        heads = ("Kind", ("Documents", views.NUMBER), ("Places", views.NUMBER))
        yield views.section(
            "Personal data",
            table("Personal data that was replaced", heads, replaced, hidden=True),
            lead="What looks like personal data is replaced by a placeholder. “Places” counts what was replaced.",
        )
    sites = [
        (
            said(r["domain"], 80),
            *(number(r[name]) for name in ("documents", "tokens", "instructions")),
            links.count(r["refused"], links.listed("sites", r["domain"])),
        )
        for r in frames["domains"].head(ROWS_IN_TABLES).to_dicts()
    ]
    heads = ("Site", *((name, views.NUMBER) for name in ("Documents", "Tokens", "Instructions", "Refused")))
    yield views.section(
        "Sites",
        views.filter_box("sites", "sites"),
        element("div", table("Sites by documents", heads, sites, hidden=True), id="sites"),
        lead=f"These are the {len(sites)} largest sites." if len(sites) == ROWS_IN_TABLES else "",
    )


def distributions(facets: pl.DataFrame, labels: Labels) -> Html | None:
    """Show how many exported lines there are by recipe, language, topic and so on; each number leads to its rows."""
    cards, alike = list[Html](), list[tuple[Child, int, str]]()
    for name, heading in FACETS.items():
        part = facets.filter(facet=name)
        if part.height < 1 or name in _NOT_DRAWN:
            continue
        if name in _IN_ORDER:
            part = part.sort(pl.col("value").cast(pl.Int64, strict=False), "value", nulls_last=True)
        known = labels.get(name, {})
        rows = [
            (said(known.get(value, value), 60), count, links.rows({name: value}))
            for value, count in part.select("value", "lines").rows()
        ]
        if len(rows) == 1:
            alike.append((joined(f"{heading}: ", rows[0][0]), *rows[0][1:]))
        else:
            cards.append(views.bars(heading, rows, 12 if name in _IN_ORDER else 6))
    if alike:
        cards.append(views.bars("Alike in all rows", alike, len(alike)))
    if not cards:
        return None
    lead = "Lines of all exported files. Each number leads to its rows."
    return views.section("What the rows are", element("div", cards, class_="grid wide"), lead=lead)


_NOT_DRAWN = {"since", "form"}
_IN_ORDER = {"score", "answer_score", "length", "written"}


def _left_out(frames: Frames) -> Html:
    """Draw what dropped items, and which copies and licences there are, side by side."""
    dropped, licensed = frames["dropped"].to_dicts(), frames["licences"].head(LANGUAGES_DRAWN).to_dicts()
    rules = [(said(r["rule"] or r["reason"].replace("_", " "), 60), number(r["items"])) for r in dropped]
    copies = [(r["kind"], _copies(r["kind"], r["documents"])) for r in frames["copies"].to_dicts() if r["documents"]]
    licences = [(said(r["license"], 40), number(r["documents"])) for r in licensed]
    drawn = [
        table(name, (head, (count, views.NUMBER)), rows[:ROWS_IN_TABLES])
        for name, head, count, rows in (
            ("Records of the corpus that were refused", "Reason or rule", "Records", rules),
            ("Copies that are not used", "Kind of copy", "Documents", copies),
            ("Licences, as the page or the corpus states them", "Licence", "Documents", licences),
        )
        if rows
    ]
    return views.section("What was left out, and licences", element("div", *drawn, class_="grid wide"))


def _copies(kind: str, count: int) -> Html | str:
    """Return a number of copies, as a link where the site lists them: pages that came again are no documents."""
    return links.count(count, links.listed("copies", "documents", kind)) if kind in {"exact", "near"} else number(count)


def dataset(frames: Frames, facets: pl.DataFrame, portrait: DatasetMeasures | None) -> Iterable[Child]:
    """Show what was written and how it was judged; with a portrait, its measures, topics and map."""
    rows = [
        (
            r["recipe"],
            links.count(r["instructions"], links.listed("instructions", r["recipe"])),
            number(r["documents"]),
            number(r["mean_chars"]),
            links.count(r["selected"], links.listed("instructions", r["recipe"], "exported")),
            views.share(r["selected"], r["instructions"]),
            _weakest(r["recipe"], facets),
        )
        for r in frames["recipes"].to_dicts()
    ]
    heads = (
        "Recipe",
        *((name, views.NUMBER) for name in ("Instructions", "Pages used", "Mean characters", "Selected", "Share")),
        ("Read", views.NUMBER),
    )
    yield views.section(
        "Recipes",
        table("What each recipe wrote", heads, rows, hidden=True),
        lead="A recipe is one way to write instructions. Those that are selected go into the dataset.",
    )
    yield _people(frames)
    yield from _judges(frames)
    yield _agreeing(frames)
    if portrait:
        yield from portrayed(portrait)
    cards = [
        _histogram(f"Lengths of {noun}, in tokens", frames["lengths"].filter(pl.col("noun") == noun))
        for noun in ("instructions", "responses")
    ]
    yield views.section(
        "Scores and lengths",
        element("div", [*_score_charts(frames["scores"]), *cards], class_="grid"),
        lead="How often judges gave each mark (“none”: no usable answer), and how long texts are by estimate: the bar "
        "“32+” counts texts of 32 to 63 tokens.",
    )


def _people(frames: Frames) -> Html | None:
    """Show how far people agree with judges; nothing before a person has marked a row."""
    if frames["people"].is_empty():
        return None
    rows = [
        (said(r["person"], 60), said(r["judge"], 60), number(r["rows"]), f"{r['agree']:.0%}", _measure(r["kappa"]))
        for r in frames["people"].to_dicts()
    ]
    heads = ("Person", "Judge", ("Rows", views.NUMBER), ("Agree", views.NUMBER), ("Kappa", views.NUMBER))
    return views.section(
        "People and judges",
        table("How far people agree with judges", heads, rows, hidden=True),
        lead="Rows that both marked. Kappa is 1 if they always agree, and 0 if only as often as by chance.",
    )


def _judges(frames: Frames) -> Iterable[Html]:
    """Show marks beside random controls, what judges miss, how sure is how right, and tags; what there is of it."""
    if len(marks := frames["marks"]):
        rows = [
            (
                *(said(r["judge"], 40), said(r["criterion"], 40), number(r["marked"]), number(r["without_mark"])),
                *(_measure(r["selected"]), _measure(r["random"]), element("span", said(r["note"], 400), class_="why")),
            )
            for r in marks.head(ROWS_IN_TABLES).to_dicts()
        ]
        named = (*("Marks", "Without"), *("Selected", "Random"))
        heads = ("Judge", "Criterion", *((name, views.NUMBER) for name in named), "Of all marks")
        yield views.section(
            "Marks beside random choices",
            table("Mean marks of what was selected, and of random choices that are as large", heads, rows, hidden=True),
            lead="The last column has the severity of judges (in logits), the calibration error, the error of rewards.",
        )
    if len(frames["seeded"]):
        yield _seeded(frames["seeded"])
    if len(bins := frames["calibration"]):
        bars: list[tuple[Child, int, str]] = [(f"{sure:.2f}", round(100 * right), "") for sure, right, _ in bins.rows()]
        yield views.section(
            "Calibration",
            views.bars("Right answers in 100, by how sure they are", bars, len(bars)),
            lead="A bar holds the answers that are as sure as the number beside it says, from 0 to 1. Where "
            "confidence can be trusted, 0.80 stands beside a bar of 80.",
        )
    if len(frames["tags"]):
        yield _tags(frames["tags"])


def _seeded(seeded: pl.DataFrame) -> Html:
    counts = ("pairs", "found", "tied", "turned", "without_mark")
    rows = [(said(r["judge"], 60), r["error"], *(number(r[name]) for name in counts)) for r in seeded.to_dicts()]
    heads = ("Judge", "Error", *((name.replace("_", " ").capitalize(), views.NUMBER) for name in counts))
    return views.section(
        "Seeded errors",
        table("How often judges find a known error", heads, rows, hidden=True),
        lead="Each pair is an answer and a copy with one error. Found: the judge gives the answer more. Turned: it "
        "gives the copy more.",
    )


def _tags(tags: pl.DataFrame) -> Html:
    [(_, tagged, selected)] = tags.filter(pl.col("tag") == "").rows()
    shown = tags.filter(pl.col("tag") != "")
    rows = [(said(tag, 60), number(n), number(own)) for tag, n, own in shown.head(ROWS_IN_TABLES).rows()]
    reached = shown.filter(pl.col("selected") > 0).height
    heads = ("Tag", ("Instructions", views.NUMBER), ("Selected", views.NUMBER))
    return views.section(
        "Tags",
        table("Tags of instructions", heads, rows, hidden=True),
        lead=f"{tagged:,} instructions have {shown.height:,} tags. The {selected:,} that are selected have {reached:,} "
        "of these.",
    )


def _agreeing(frames: Frames) -> Html | None:
    """Show how far judges agree with each other; nothing where no two marked the same."""
    rows = [
        (r["judge"], r["other"], number(r["subjects"]), f"{r['agree']:.0%}", _measure(r["kappa"]))
        for r in frames["judges"].head(PAIRS_OF_JUDGES).to_dicts()
    ]
    if not rows:
        return None
    heads = ("Judge", "Other judge", ("Texts", views.NUMBER), ("Agree", views.NUMBER), ("Kappa", views.NUMBER))
    return views.section(
        "Judges with each other",
        table("How far judges agree with each other", heads, rows, hidden=True),
        lead="Texts that both marked. A judge passes what is at least the middle of all that it gave. Those that "
        "agree least come first.",
    )


def _weakest(recipe: str, facets: pl.DataFrame) -> Html | str:
    """Return a link to the rows of a recipe, those with the lowest score first."""
    if facets.filter(facet="recipe", value=recipe).is_empty():
        return NOTHING
    by = "score" if facets.filter(facet="score").height > 1 else "answer_score"
    return element("a", "weakest first", href=links.rows({"recipe": recipe, "order": by}))


def _histogram(name: str, lengths: pl.DataFrame) -> Html:
    bars = [(f"{number(a)}+", b, "") for a, b in lengths.select("from_tokens", "texts").rows()]
    return views.bars(name, bars, len(bars))


def portrayed(portrait: DatasetMeasures) -> Iterable[Child]:
    """Show the measures of the dataset, its map and its topics."""
    parts = portrait.measures
    names = [name for name in parts[0] if name != "part"] if parts else []
    rows = [_explained(name, [part[name] for part in parts]) for name in names]
    heads = ("Measure", *((part["part"].replace("_", " "), views.NUMBER) for part in parts), "What it means")
    yield views.section(
        "Measures",
        table("Measures of the dataset, of its recipes and of random choices", heads, rows, hidden=True),
        lead="“all” is the whole dataset. Beside it are its recipes, and “random”: the mean of random choices that are "
        "as large. Compare “all” with “random” to see what the selection changed.",
    )
    places = [charts.Place(*point) for point in portrait.points]
    shown = places[:: max(1, -(-len(places) // PLACES_ON_MAP))]
    yield views.section(
        "Map",
        views.figure(
            charts.scatter(shown, "The dataset"),
            "Dots are instructions, coloured by topic. Rings are human seeds. Grey squares are documents.",
        ),
        lead=f"Texts that are alike lie close together. This shows {len(shown):,} of {len(places):,} texts.",
    )
    topics = [
        (t["topic"], t["group"], links.count(t["rows"], links.rows({"topic": str(t.get("number", ""))})))
        for t in portrait.topics[:ROWS_IN_TABLES]
    ]
    if topics:
        yield _topics(topics)


def _explained(name: str, values: Iterable[float | None]) -> list[Child]:
    """Return the cells of a measure; one that the pages do not know keeps its name and has no meaning beside it."""
    label, meaning = words.MEASURES.get(name, (name.replace("_", " "), ""))
    return [label, *(_measure(value) for value in values), element("span", meaning, class_="why")]


def _topics(topics: list[tuple[Child, ...]]) -> Html:
    return views.section(
        "Topics",
        views.filter_box("topics", "topics"),
        element(
            "div", table("Topics", ("Topic", "Group", ("Instructions", views.NUMBER)), topics, hidden=True), id="topics"
        ),
        lead="A topic holds similar instructions, and a group holds similar topics. Both are named by typical phrases.",
    )


def _measure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"  # noqa: PLR2004 - three digits


def _score_charts(scores: pl.DataFrame) -> Iterable[Html]:
    for (judge, criterion), part in scores.group_by("judge", "criterion", maintain_order=True):
        marks = part.select("value", "subjects").rows()
        yield views.bars(f"{judge}: {criterion}", [("none" if m is None else f"{m:.4g}", n, "") for m, n in marks], 12)

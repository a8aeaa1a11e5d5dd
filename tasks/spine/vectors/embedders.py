"""Who turns text into vectors: four embedders behind one interface, each named by all that shapes its vectors.

`auto`, the default, has what people ask (seeds, instructions, and prompts of benchmarks beside them) embedded by
`encoder` where its packages are installed, else by `hashing`; passages always by `hashing`, since an encoder takes some
20 a second and core. Only vectors of one embedder are compared: whoever searches passages embeds the query as they are.

`hashing` (no download) is fitted once in each space of a store: passages, and what people ask (seeds and
instructions), whose words differ. The first fit stays until `embeddings.refit` asks for another, so that a growing
corpus keeps its vectors; its fingerprint is that of the texts it was fitted on. So a fresh store of the same inputs has
the same embedder, and one that grew in steps has the embedder of its first step, also where the database or the fit is
lost: what it learned from is on record in the journal. A fit that is missing, damaged or of another store is made again
from those texts; of texts that were forgotten, the journal has the fit itself (`fits.py`). If some are gone otherwise,
it is another embedder, and every text is due again. The others learn nothing here and have one space.
"""

import hashlib
from collections.abc import Callable, Collection, ItemsView, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import EmbeddingsSettings, Settings
from wellspring.tasks.contracts.vectors import Vectors, checked
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.io.vectors import encoder, manifests
from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.methods.vectors.hashing_embedder import Embedded
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import fits, reads

VERSION = 1
SPACES = {"passages": "passages", "seeds": "questions", "instructions": "questions"}
ASKED = "seeds and instructions"
_LEARNED_FROM = {"passages": ("passages",), "questions": ("seeds", "instructions", "passages")}
UNKNOWN_WORDS = "unknown_words"


class Embed(Protocol):
    """How texts become vectors."""

    def __call__(self, texts: Sequence[str], tick: Callable[[int], None] | None = None) -> Embedded:
        """Embed texts, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Embedder:
    """An embedder in force.

    Attributes:
        name: For people.
        fingerprint: The `model` of its rows: everything that shapes a vector.
        embed: texts -> unit vectors (n, d) float32, and which texts said nothing. A `tick` is called about twice a
            second while a server is waited for, with how many texts are done.
        folder: Where its fit lies, for workers of their own process; None if it has none.
    """

    name: str
    fingerprint: str
    embed: Embed
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the manifest of a fit says: how many texts of which space, and which they are."""

    texts: int
    space: str
    fingerprint: str


def kind(chosen: EmbeddingsSettings, noun: str) -> str:
    """Return the embedder of a noun's texts: what is chosen, or what `auto` comes to on this machine."""
    if chosen.embedder != "auto":
        return chosen.embedder
    return "encoder" if SPACES[noun] == "questions" and not encoder.missing() else "hashing"


def named(chosen: EmbeddingsSettings, models_name: str) -> dict[str, str]:
    """Return noun -> embedder, for people.

    Args:
        chosen: The settings.
        models_name: What a server is asked for by.
    """
    names = {"encoder": encoder.NAME, "endpoint": models_name, "sentence_transformers": chosen.model}
    return {noun: names.get(name := kind(chosen, noun), name) for noun in SPACES}


def described(chosen: EmbeddingsSettings, *nouns: str) -> dict[str, Any]:
    """Return what shapes vectors of these nouns, for fingerprints: `auto` is the same as what it comes to."""
    names = sorted({kind(chosen, noun) for noun in nouns})
    shape = encoder.shape() if "encoder" in names else {}
    if names == ["encoder"]:
        return {"embedder": "encoder"} | shape
    named = chosen.model_dump(include={"dimensions", "hash_features", "model", "revision"})
    return named | {"embedder": "+".join(names)} | shape


def embedder(run: Run, noun: str, *, is_query: bool | None = None) -> Embedder:
    """Return the embedder of a noun's texts under the run's settings, fitting it if this store has none yet.

    Args:
        run: The run.
        noun: passages, seeds or instructions.
        is_query: Whether the texts ask (`query_prefix`) or are asked for (`passage_prefix`); seeds and instructions
            ask, also where they are compared with each other, so that a text has one vector.
    """
    chosen = run.settings.embeddings
    name = kind(chosen, noun)
    asks = SPACES[noun] == "questions" if is_query is None else is_query
    prefix = (chosen.query_prefix if asks else chosen.passage_prefix) or chosen.prefix
    if name == "endpoint":
        return _endpoint(run, chosen, prefix)
    if name == "sentence_transformers":
        return _sentence_transformers(chosen, prefix)
    return _encoder(run) if name == "encoder" else _hashing(run, SPACES[noun])


def active(run: Run, noun: str) -> dict[str, str]:
    """Return fingerprint -> name of all embedders in force, given that texts of this noun are to be embedded now."""
    found = list[Embedder]()
    for space in _LEARNED_FROM:
        one = "passages" if space == "passages" else "seeds"
        if kind(run.settings.embeddings, one) != "hashing":
            found.append(embedder(run, one))
        elif space == SPACES[noun] or _kept(run, space) is not None:
            found.append(_hashing(run, space))
    return {one.fingerprint: one.name for one in found}


def say_if_changed(run: Run, noun: str, now: Embedder) -> None:
    """Tell whoever watches that texts of a noun are embedded anew, since `auto` comes to another embedder than before.

    Called while the methods of the run before are still in force.
    """
    if run.settings.embeddings.embedder != "auto" or SPACES[noun] != "questions":
        return
    before = run.store.query("methods/active", stage="embeddings")["name"].to_list()
    was_encoder, is_encoder = encoder.NAME in before, now.name == encoder.NAME
    was_hashing = any(name.startswith("hashing of questions") for name in before)
    if was_encoder and not is_encoder:
        lacking = ", ".join(encoder.missing())
        run.progress.note(
            f"embeddings: {ASKED} of this store were embedded by {encoder.NAME}, which needs {lacking}: not installed "
            "here. They are embedded anew by `hashing`, and what was found by them is due again; "
            "pip install 'wellspring[encoder]' has them back"
        )
    elif was_hashing and is_encoder:
        run.progress.note(
            f"embeddings: {ASKED} of this store were embedded by `hashing`; {encoder.NAME} is installed now and embeds "
            "them anew, so that what was found by them is due again; embeddings.embedder=hashing keeps them"
        )


def of_texts(run: Run, texts: Sequence[str]) -> Embedded:
    """Embed texts that are no rows yet (to compare them with each other); `hashing` learns from just these."""
    chosen = run.settings.embeddings
    if kind(chosen, "seeds") == "hashing":
        return _fit(run.settings, texts).embed(texts)
    return embedder(run, "seeds").embed(texts)


def load(folder: Path) -> hashing_embedder.Fit:
    """Read a fit whose bytes were checked by whoever handed its folder out."""
    return hashing_embedder.Fit.load(folder)


def _fit(settings: Settings, texts: Sequence[str]) -> hashing_embedder.Fit:
    chosen = settings.embeddings
    return hashing_embedder.fit(texts, chosen.dimensions, chosen.hash_features, settings.seed)


def _hashing(run: Run, space: str) -> Embedder:
    """Load the space's fit, or make it from the texts with the lowest ids."""
    folder, facts = _folder(run, space), _kept(run, space)
    before = _fingerprint(run.settings, _learned_from(run, space))
    if run.settings.embeddings.refit:
        fits.drop(run, folder, before)
    elif facts is None and fits.restored(run, folder, before):
        facts = _kept(run, space)
    if facts is None or run.settings.embeddings.refit:
        texts = _texts(run, space) if run.settings.embeddings.refit else _first_texts(run, space)
        text_ids = [text_id for text_id, _ in texts]
        fingerprint = _fingerprint(run.settings, text_ids)
        reads.keep(run, fits.LEARNED, folder.name, {space: text_ids})
        if facts is None or facts.fingerprint != fingerprint:
            if facts is None:
                _say_if_lost(run, space, fingerprint)
            facts = _made(run.settings, folder, space, texts)
            run.progress.note(f"embeddings: fitted on {len(texts)} texts ({space})")
    learned = load(folder)
    return Embedder(f"hashing of {space}, fitted on {facts.texts}", facts.fingerprint, _silent(learned.embed), folder)


def _made(settings: Settings, folder: Path, space: str, texts: Sequence[tuple[str, str]]) -> _Facts:
    """Write the fit on these texts, (id, text) of each."""
    fingerprint = _fingerprint(settings, (text_id for text_id, _ in texts))
    learned = _fit(settings, [text for _, text in texts])
    manifests.write(folder, fingerprint, {"texts": len(texts), "space": space}, learned.save)
    return _Facts(len(texts), space, fingerprint)


def keep_what_goes(run: Run, noun: str) -> None:
    """Have the journal keep the fit that embeds a noun, where a page that it learned from has a newer text now."""
    space = SPACES[noun]
    learned, folder = _learned_from(run, space), _folder(run, space)
    if learned and run.store.count("embeddings/overtaken", text_ids=learned):
        fits.keep_in_run(run, folder, _fingerprint(run.settings, learned))


def entrust(store: Store, gone: Collection[str]) -> None:
    """Have the journal keep each fit that learned from a text that is about to go; a lost one is made again first.

    Args:
        store: Which nobody else writes, and whose journal is closed.
        gone: Ids of texts.

    Raises:
        BrokenError: The journal cannot be read or written.
    """
    for name, space, text_ids in fits.learned(store, gone):
        if manifests.read(store.indexes / name, None, store.path) is None:
            _make_again(store, name, space, text_ids)
        fits.keep(store, name)


def _make_again(store: Store, name: str, space: str, text_ids: Sequence[str]) -> None:
    """Make a lost fit of what it learned from, if all of that is there, and the last run had its settings."""
    try:
        settings = Settings.model_validate_json(store.query("runs/latest")["settings"][0])
    except (IndexError, ValueError, UsageError):  # no run, or one of another version
        return
    texts = _of_ids(store, space, text_ids)
    if name == _folder_name(settings, space) and texts:
        _made(settings, store.indexes / name, space, texts)


def _say_if_lost(run: Run, space: str, fingerprint: str) -> None:
    """Tell whoever watches that texts are embedded anew, since a fit is gone and its texts have changed since."""
    active = run.store.query("methods/active", stage="embeddings")
    had = active.filter(pl.col("name").str.starts_with(f"hashing of {space}"))["fingerprint"].to_list()
    if had and fingerprint not in had:
        run.progress.note(
            f"embeddings: the fit of {space} is missing, damaged or of another store, and its texts have changed: "
            "a new one is made of the texts as they are now, and all are embedded anew"
        )


def methods_of(chosen: EmbeddingsSettings, *nouns: str) -> tuple[str, ...]:
    """Name what shapes the vectors of these nouns, for whoever compares texts by them."""
    is_hashed = "hashing" in {kind(chosen, noun) for noun in nouns}
    return ("hashing_embedder", "words", "spine.embedders") if is_hashed else ("spine.embedders",)


def _kept(run: Run, space: str) -> _Facts | None:
    """Return the facts of a space's fit, if it is this store's own.

    It is on record in the database, or by its texts' ids in the journal (some may be forgotten since), or it is of the
    texts as they are now.
    """
    facts: _Facts | None = manifests.read(_folder(run, space), None, run.store.path, _Facts)
    if facts is None or facts.space != space:
        return None
    if run.store.count("methods/one", stage="embeddings", fingerprint=facts.fingerprint):
        return facts
    if facts.fingerprint == _fingerprint(run.settings, _learned_from(run, space)):
        return facts
    first = [text_id for text_id, _ in _first_texts(run, space)]
    return facts if facts.fingerprint == _fingerprint(run.settings, first) else None


def _fingerprint(settings: Settings, text_ids: Iterable[str]) -> str:
    """Identity of a fit on these texts; an id is a hash of its text."""
    learned = hashlib.sha256("".join(f"{text_id}\n" for text_id in text_ids).encode()).hexdigest()
    return content_id("hashing", hashing_embedder.VERSION, _described(settings), learned, *_raised())


def _folder(run: Run, space: str) -> Path:
    return run.store.indexes / _folder_name(run.settings, space)


def _folder_name(settings: Settings, space: str) -> str:
    return f"fit-{space}-{content_id(hashing_embedder.VERSION, _described(settings), *_raised())}"


def _raised() -> ItemsView[str, int]:
    return raised("words", own=VERSION).items()


def _described(settings: Settings) -> dict[str, int]:
    chosen = settings.embeddings
    return {
        "dimensions": chosen.dimensions,
        "features": chosen.hash_features,
        "fit_rows": chosen.fit_rows,
        "seed": settings.seed,
    }


def _texts(run: Run, space: str) -> list[tuple[str, str]]:
    """Return (id, text) to learn from: of the first noun that has any, the lowest ids."""
    for noun in _LEARNED_FROM[space]:
        found = run.store.query(f"embeddings/texts_{noun}", at_most=run.settings.embeddings.fit_rows)
        if len(found):
            return list(zip(found["text_id"].to_list(), found["text"].to_list(), strict=True))
    return []


def _first_texts(run: Run, space: str) -> list[tuple[str, str]]:
    """Return (id, text) of what this store's first fit learned from, if all of it is there; else as it is now."""
    return _of_ids(run.store, space, _learned_from(run, space)) or _texts(run, space)


def _of_ids(store: Store, space: str, text_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return (id, text) of these texts if all are there, else nothing."""
    for noun in _LEARNED_FROM[space] if text_ids else ():
        found = store.query(f"embeddings/texts_{noun}", at_most=None)
        found = found.filter(pl.col("text_id").is_in(list(text_ids)))
        if len(found) == len(set(text_ids)):
            return list(zip(found["text_id"].to_list(), found["text"].to_list(), strict=True))
    return []


def _learned_from(run: Run, space: str) -> list[str]:
    """Return the ids of the texts that this store's first fit learned from, as the journal has them."""
    found: list[str] = reads.kept(run, fits.LEARNED, _folder(run, space).name, [space]).get(space, [])
    return found


def _silent(embed: Callable[[Sequence[str]], Embedded]) -> Embed:
    """Return an embedder that is not waited for as one that could say how far it is."""

    def silent(texts: Sequence[str], tick: Callable[[int], None] | None = None) -> Embedded:
        del tick
        return embed(texts)

    return silent


def _encoder(run: Run) -> Embedder:
    """Return the encoder, which embeds what the store has no vector of: a second's work of a core for some 20 texts."""
    fingerprint = content_id("encoder", encoder.shape(), *raised(own=VERSION).items())

    def embed(texts: Sequence[str], tick: Callable[[int], None] | None = None) -> Embedded:
        model = encoder.load()
        asked = {text: model.knows(text) for text in texts}
        found = _stored(run, fingerprint, [text for text, is_known in asked.items() if is_known])
        due = [text for text, is_known in asked.items() if is_known and text not in found]
        done = len(texts) - len(due)
        found |= zip(due, model(due, tick and (lambda more: tick(done + more))), strict=True)
        bare = [row for row, text in enumerate(texts) if not asked[text]]
        vectors = [found[text] if asked[text] else _of_nothing(text, encoder.WIDTH) for text in texts]
        is_empty = np.zeros(len(texts), dtype=np.bool_)
        is_empty[bare] = True
        said = [row for row in bare if any(map(str.isalnum, texts[row]))]
        return Embedded(
            np.stack(vectors) if vectors else np.empty((0, encoder.WIDTH), dtype=np.float32),
            is_empty,
            tuple((row, UNKNOWN_WORDS, f"{encoder.NAME} knows no part of any word of it") for row in said),
        )

    return Embedder(encoder.NAME, fingerprint, embed)


def _stored(run: Run, fingerprint: str, texts: Sequence[str]) -> dict[str, Vectors]:
    """Return text -> vector of those that this embedder has embedded before as seeds or instructions."""
    if not texts:
        return {}
    rows = run.store.query("embeddings/known_texts", model=fingerprint, texts=list(texts))
    matrix = np.array(rows["vector"].to_list(), dtype=np.float32)
    return dict(zip(rows["text"].to_list(), matrix, strict=True))


def _endpoint(run: Run, chosen: EmbeddingsSettings, prefix: str) -> Embedder:
    role = run.settings.models.embedder

    def embed(texts: Sequence[str], tick: Callable[[int], None] | None = None) -> Embedded:
        """Embed what says anything; a text that the server will not take says why, and costs no other one."""
        said = [row for row, text in enumerate(texts) if text.strip()]
        refused: dict[int, tuple[str, str]] = {}
        found = run.models.embed(
            [prefix + texts[row] for row in said],
            lambda place, problem: refused.update({said[place]: (problem.reason, problem.detail)}),
            tick,
        )
        good = [place for place, row in enumerate(said) if row not in refused]
        if good:
            checked(found[good], f"vectors of {role.model}")
        vectors = np.stack([_of_nothing(text, found.shape[1] or 2) for text in texts]) if texts else found
        vectors[[said[place] for place in good]] = found[good]
        is_empty = np.ones(len(texts), dtype=np.bool_)
        is_empty[[said[place] for place in good]] = False
        return Embedded(vectors, is_empty, tuple((row, *why) for row, why in sorted(refused.items())))

    versions = raised(own=VERSION).items()
    added = [dict(role.extra_body)] if role.extra_body else []
    return Embedder(role.model, content_id("endpoint", role.model, *_prefixes(chosen), *added, *versions), embed)


def _of_nothing(text: str, width: int) -> Vectors:
    """Return a unit vector for a text that has none: near to nothing, so that it is taken for no copy of another."""
    seed = list(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    drawn = np.random.default_rng(seed).standard_normal(width)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def _prefixes(chosen: EmbeddingsSettings) -> list[str]:
    """Return the prefixes as part of a fingerprint: those of one kind of text only where there are any."""
    own = [chosen.query_prefix, chosen.passage_prefix]
    return [chosen.prefix, *own] if any(own) else [chosen.prefix]


def _sentence_transformers(chosen: EmbeddingsSettings, prefix: str) -> Embedder:
    from wellspring.tasks.io.vectors import sentence_models

    names = ("model", "revision", "pooling", "prefix", "max_length_tokens", "backend")
    shape: dict[str, Any] = {name: getattr(chosen, name) for name in names}
    asked: dict[str, Any] = {**shape, "prefix": prefix}
    own = {name: value for name in ("query_prefix", "passage_prefix") if (value := getattr(chosen, name))}

    def embed(texts: Sequence[str]) -> Embedded:
        vectors = sentence_models.embed(texts, **asked)
        is_empty = np.array([not text.strip() for text in texts], dtype=np.bool_)
        return Embedded(checked(vectors, f"vectors of {chosen.model}") if len(texts) else vectors, is_empty)

    return Embedder(
        chosen.model, content_id("sentence_transformers", shape | own | raised(own=VERSION)), _silent(embed)
    )

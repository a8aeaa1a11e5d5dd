"""Archives that were damaged in many ways: the records that were not touched come out, and every loss is told."""

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.io.test_warc import response
from wellspring.tasks.io.corpora import warc
from wellspring.tasks.io.corpora.warc import Damage, Record

LIMIT_BYTES = 2**20
COUNT = 12
Pieces = list[bytes]
Mutation = Callable[[random.Random, Pieces, Callable[[bytes], bytes]], tuple[Pieces, set[int]]]


def members(seed: int) -> Pieces:
    """Return records whose pages have blank lines, and now and then quote an archive."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefgh", k=6)) for _ in range(200)]
    ends = ["\r\n\r\n", "\n\n", "\n", " WARC/1.0 ", " Content-Length: 12 "]
    made = [
        " ".join([*chance.choices(words, k=70), chance.choice(ends), *chance.choices(words, k=70)])
        for _ in range(COUNT)
    ]
    return [response(f"http://site.example/{i}", f"<p>{text}</p>".encode()) for i, text in enumerate(made)]


def spoilt(chance: random.Random, given: Pieces, store: Callable[[bytes], bytes]) -> tuple[Pieces, set[int]]:
    """Overwrite, zero or insert some bytes in a few records."""
    pieces = [store(one) for one in given]
    touched = set(chance.sample(range(COUNT), chance.choice([1, 2, 3])))
    for i in touched:
        at, size = chance.randrange(len(pieces[i])), chance.randrange(1, 60)
        put = chance.choice([chance.randbytes(size), bytes(size)])
        pieces[i] = pieces[i][:at] + put + pieces[i][at + chance.choice([0, size]) :]
    return pieces, touched


def cut(chance: random.Random, given: Pieces, store: Callable[[bytes], bytes]) -> tuple[Pieces, set[int]]:
    """Cut some records; what follows stands right behind them."""
    pieces = [store(one) for one in given]
    touched = set(chance.sample(range(COUNT), 3))
    for i in touched:
        pieces[i] = pieces[i][: chance.randrange(1, len(pieces[i]) - 8)]
    return pieces, touched


def unspaced(_: random.Random, given: Pieces, store: Callable[[bytes], bytes]) -> tuple[Pieces, set[int]]:
    """Leave out the blank lines between the records."""
    return [store(one.removesuffix(b"\r\n\r\n")) for one in given], set()


def littered(chance: random.Random, given: Pieces, store: Callable[[bytes], bytes]) -> tuple[Pieces, set[int]]:
    """Put junk behind each record."""
    return [store(one) + chance.randbytes(chance.randrange(1, 300)) for one in given], set()


def mislabelled(chance: random.Random, given: Pieces, store: Callable[[bytes], bytes]) -> tuple[Pieces, set[int]]:
    """Give two records a length that is not theirs."""
    touched, pieces = set(chance.sample(range(COUNT), 2)), list(given)
    for i in touched:
        wrong = chance.choice([-200, -37, 37, 211, 10**6, 10**12])
        said = re.sub(rb"(?<=Content-Length: )\d+", lambda found: b"%d" % (int(found[0]) + wrong), pieces[i], count=1)  # noqa: B023
        pieces[i] = said
    return [store(one) for one in pieces], touched


def repeated(chance: random.Random, given: Pieces, store: Callable[[bytes], bytes]) -> tuple[Pieces, set[int]]:
    """Begin a record, and begin it again."""
    pieces = [store(one) for one in given]
    at = chance.randrange(COUNT)
    return [*pieces[:at], pieces[at][: len(pieces[at]) // 2], *pieces[at:]], set()


MUTATIONS: tuple[Mutation, ...] = (spoilt, cut, unspaced, littered, mislabelled, repeated)
FORMS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": lambda one: gzip.compress(one, mtime=0)}


def lost(folder: Path, form: str, mutation: Mutation, seed: int) -> tuple[int, int]:
    """Damage an archive; return how many records were not touched, and how many of these did not come out whole.

    Every byte of the file is in a record or in a damage, but for line ends and the zeros that pad members.
    """
    given = members(seed)
    pieces, touched = mutation(random.Random(seed), given, FORMS[form])
    path = folder / f"{form}.warc"
    whole = b"".join(pieces)
    path.write_bytes(whole)
    found = list(warc.records(str(path), LIMIT_BYTES))
    blocks = {one.url: one.block for one in found if isinstance(one, Record)}
    intact = [i for i in range(COUNT) if i not in touched]
    bad = [i for i in intact if blocks.get(f"http://site.example/{i}") != given[i].split(b"\r\n\r\n", 1)[1][:-4]]
    end = 0
    for item in found:
        assert not whole[end : item.offset].strip(b"\r\n\0"), (form, mutation.__name__, seed, end)
        end = item.offset + item.length
    assert not whole[end:].strip(b"\r\n\0"), (form, mutation.__name__, seed)
    assert bool(touched) <= any(isinstance(one, Damage) for one in found) or mutation is spoilt
    return len(intact), len(bad)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_records_that_were_not_touched_come_out_of_a_damaged_archive(
    tmp_path: Path, form: str, mutation: Mutation
) -> None:
    told = [lost(tmp_path, form, mutation, seed) for seed in range(8)]

    assert sum(bad for _, bad in told) == 0, [seed for seed, (_, bad) in enumerate(told) if bad]


@pytest.mark.slow
def test_at_least_995_of_1000_intact_records_come_out_of_a_thousand_archives(tmp_path: Path) -> None:
    of_each = [(form, mutation) for form in FORMS for mutation in MUTATIONS]
    told = [lost(tmp_path, *of_each[seed % len(of_each)], seed) for seed in range(1000)]

    assert sum(bad for _, bad in told) <= 0.005 * sum(intact for intact, _ in told)


def test_a_record_that_ends_in_its_header_does_not_take_the_fields_of_the_next(tmp_path: Path) -> None:
    given = members(0)
    path = tmp_path / "a.warc"
    path.write_bytes(given[0] + given[1][:60] + given[2])
    found = list(warc.records(str(path), LIMIT_BYTES))

    assert [one.url for one in found if isinstance(one, Record)] == ["http://site.example/0", "http://site.example/2"]
    assert [one.detail for one in found if isinstance(one, Damage)] == ["another record begins inside its header"]


def test_folded_fields_are_read_and_a_header_that_is_too_long_is_named(tmp_path: Path) -> None:
    given = members(1)
    folded = given[0].replace(b"WARC-Target-URI: ", b"WARC-Target-URI:\r\n\t")
    long = given[1].replace(b"WARC-Date", b"X-Long: " + b"a" * 70_000 + b"\r\nWARC-Date")
    path = tmp_path / "a.warc"
    path.write_bytes(folded + long + given[2])
    found = list(warc.records(str(path), LIMIT_BYTES))

    assert [one.url for one in found if isinstance(one, Record)] == ["http://site.example/0", "http://site.example/2"]
    assert [one.detail for one in found if isinstance(one, Damage)] == ["the record header is over 65536 bytes"]


@pytest.mark.parametrize("address", ["0", "-", "192.0.2.1"])
def test_an_arc_whose_server_has_no_address_is_read(tmp_path: Path, address: str) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Ebb and flow.</p>"
    first = f"filedesc://a.arc {address} 20080430204825 text/plain 4\n1 0\n\n".encode()
    path = tmp_path / "a.arc"
    path.write_bytes(
        first + f"http://a.example/ {address} 20080430204826 text/html {len(page)}\n".encode() + page + b"\n"
    )
    found = list(warc.records(str(path), LIMIT_BYTES))

    assert [(type(one), one.url) for one in found][1:] == [(Record, "http://a.example/")]

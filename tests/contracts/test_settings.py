"""Settings: later wins, a profile's paths are its own, and a wrong key names the valid ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import UsageError


def test_later_wins_profile_environment_then_set(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text("limit = 1\nseed = 1\nthreads = 1\n")

    chosen = settings.load(
        str(profile), ["threads=3"], environment={"WELLSPRING_SEED": "2", "WELLSPRING_THREADS": "2", "PATH": "/bin"}
    )

    assert (chosen.limit, chosen.seed, chosen.threads) == (1, 2, 3)


def test_a_dotted_key_reaches_into_a_section_and_text_needs_no_quotes() -> None:
    chosen = settings.load(None, ["documents.extractor=trafilatura", 'seeds.paths=["a", "b"]'], environment={})

    assert chosen.documents.extractor == "trafilatura"
    assert chosen.seeds.paths == ("a", "b")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "documents.extracter=x",
            "no setting `documents.extracter`; did you mean `extractor`? valid: extractor, jaccard",
        ),
        ("models.generator.modl=x", "did you mean `model`?"),
        ("limit=zero", "`limit` = 'zero'"),
        ("instructions.k=3", "`instructions.k` = 3"),
        ("limit", "`--set limit` has no `=`"),
        ("limit.deeper=1", "there is no setting|limit"),
    ],
)
def test_a_bad_setting_is_named_with_the_valid_ones(override: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.load(None, [override], environment={})

    assert any(part in caught.value.message for part in said.split("|"))
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_an_unknown_profile_lists_those_that_ship() -> None:
    with pytest.raises(UsageError, match="no profile `smoek`") as caught:
        settings.load("smoek")

    assert "smoke" in caught.value.hint


def test_a_broken_profile_is_named(tmp_path: Path) -> None:
    profile = tmp_path / "bad.toml"
    profile.write_text("limit = = 3")

    with pytest.raises(UsageError, match=r"bad\.toml is not TOML"):
        settings.load(str(profile))


def test_relative_paths_of_a_profile_are_its_own(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        '[[sources.corpora]]\npath = "crawl.warc.gz"\n[[sources.corpora]]\npath = "s3://bucket/x"\n'
        '[seeds]\npaths = ["../s.jsonl"]\n[benchmarks.paths]\nmine = "b.jsonl"\n'
    )

    chosen = settings.load(str(profile), environment={})

    assert [c.path for c in chosen.sources.corpora] == [str(tmp_path / "crawl.warc.gz"), "s3://bucket/x"]
    assert chosen.seeds.paths == (str(tmp_path.parent / "s.jsonl"),)
    assert chosen.benchmarks.paths == {"mine": str(tmp_path / "b.jsonl")}


@pytest.mark.parametrize("profile", sorted(p.stem for p in settings._PROFILES.glob("*.toml")))
def test_every_profile_that_ships_loads_and_its_files_are_there(profile: str) -> None:
    chosen = settings.load(profile, environment={})

    paths = [c.path for c in chosen.sources.corpora] + list(chosen.seeds.paths)
    assert all(Path(path).exists() for path in paths if "/sample/" in path)


def test_the_large_profile_looks_for_benchmarks_and_every_one_that_ships_is_there(tmp_path: Path) -> None:
    (tmp_path / "copy.toml").write_text((settings._PROFILES / "full.toml").read_text())

    large, copy = (settings.load(p, environment={}).benchmarks for p in ("full", str(tmp_path / "copy.toml")))

    assert set(large.paths) == {"alpaca_eval", "arena_hard_v01", "ifeval", "mt_bench"}
    assert copy.files() == large.files()
    assert all(Path(path).is_file() for path in large.files().values())
    with pytest.raises(UsageError, match=r"`shipped:gsm8k` does not ship.*shipped:ifeval"):
        settings.load(None, ["benchmarks.paths.mine=shipped:gsm8k"], environment={})


def test_a_role_says_only_what_it_changes() -> None:
    chosen = settings.load(None, ["models.judge.max_tokens=99", "models.base_url=http://here/v1"], environment={})

    assert (chosen.models.judge.model, chosen.models.judge.max_tokens) == ("offline-judge", 99)
    assert [e.base_url for e in chosen.models.judge.endpoints] == ["http://here/v1"]
    assert [e.base_url for e in chosen.models.generator.endpoints] == ["http://here/v1"]


def test_a_role_with_endpoints_of_its_own_keeps_them() -> None:
    chosen = settings.load(None, ['models.judge.endpoints=[{base_url="http://there/v1"}]'], environment={})

    assert [e.base_url for e in chosen.models.judge.endpoints] == ["http://there/v1"]
    assert [e.base_url for e in chosen.models.responder.endpoints] == ["offline"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WELLSPRING_BUDGE__MAX_COST_USD", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("WELLSPRING_BUDGET_MAX_COST_USD", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("WELLSPRING_TREADS", "WELLSPRING_THREADS"),
        ("WELLSPRING_MAX_COST_USD", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("wellspring_budge__max_cost_usd", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("WELLSPRNG_BUDGET__MAX_COST_USD", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("WELLSPRING_BUDGET.MAX_COST_USD", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("WELLSPRING__BUDGET__MAX_COST_USD", "WELLSPRING_BUDGET__MAX_COST_USD"),
        ("WELLSPRING_NOWHERE__AT_ALL", "unset it; sections are"),
    ],
)
def test_a_misspelt_variable_is_refused_and_the_nearest_setting_named(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        settings.load(None, environment={name: "5"})

    assert meant in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["wellspring_budget__max_cost_usd", "Wellspring_Budget__Max_Cost_USD"])
def test_the_case_of_a_variable_does_not_count(name: str) -> None:
    assert settings.load(None, environment={name: "5"}).budget.max_cost_usd == 5


@pytest.mark.parametrize("value", ["five", "", "5 USD", "$5", "-1", "nan", "inf", "1e400"])
def test_a_cap_that_is_no_amount_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match=r"budget\.max_cost_usd"):
        settings.load(None, environment={"WELLSPRING_BUDGET__MAX_COST_USD": value})


def test_variables_of_others_that_begin_alike_are_left_alone() -> None:
    others = ("STORE", "HOME", "CORPORA", "KILLS", "CANARY", "MUTATIONS", "PASSWORD", "BLAS_KERNEL", "TEST_TMP")

    settings.load(
        None,
        environment={f"WELLSPRING_{name}": "5" for name in others}
        | {"WELLSPRING_OPENLINEAGE_SPEC": "", "SPRING__BUDGET__MAX": "5"},
    )


@pytest.mark.parametrize("name", ["2026-11-29", "42", "1e5", "true", "on", "null", '"quoted"', "0x10"])
def test_a_setting_that_is_a_text_is_read_as_one_whatever_it_looks_like(name: str) -> None:
    said = settings.load(None, [f"exports.name={name}"], environment={})
    told = settings.load(None, environment={"WELLSPRING_EXPORTS__NAME": name})

    assert said.exports.name == told.exports.name == name.strip('"')


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ({"models": {"judge": {"endpoints": [{"base_url": "\ude00"}]}}}, "models.judge.endpoints[0].base_url"),
        ({"exports": {"name": "a\udc80"}}, "exports.name"),
        ({"benchmarks": {"paths": {"\ud800": "a.jsonl"}}}, "benchmarks.paths"),
    ],
)
def test_half_a_character_in_any_setting_is_refused_by_the_settings_name(extra: dict[str, Any], name: str) -> None:
    with pytest.raises(UsageError, match="half a character") as refused:
        settings.load(None, environment={}, extra=extra)

    assert f"`{name}`" in str(refused.value)


@pytest.mark.parametrize("name", ["base_url", "key_env", "proxy", "prices", "generator", "moderator"])
@pytest.mark.parametrize("value", [{}, [], 7, True, {"a": {}}])
def test_a_value_of_another_kind_is_refused_by_its_name_wherever_roles_are_filled(
    tmp_path: Path, name: str, value: object
) -> None:
    (tmp_path / "odd.json").write_text(json.dumps({"models": {name: value}}), encoding="utf-8")
    if name in {"generator", "moderator"} and value == {}:  # a role that changes nothing
        assert settings.load(str(tmp_path / "odd.json"), [], environment={})
        return

    with pytest.raises(UsageError, match=rf"models\.{name}"):
        settings.load(str(tmp_path / "odd.json"), [], environment={})

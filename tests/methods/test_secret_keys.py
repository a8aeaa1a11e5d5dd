"""Keys are replaced by the form that their maker gives them, and what only looks like one stays."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.pages import personal_data, secret_keys

RANDOM = random.Random(1)
PEM = "-----{} RSA PRIVATE KEY-----"


def drawn(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(count))


HEX, UPPER = "0123456789abcdef", string.ascii_uppercase + string.digits
KEYS = [  # made here: no key of anyone's, and none that a scanner of this repository finds
    "AKIA" + drawn(16, UPPER),
    "ASIA" + drawn(16, UPPER),
    *(f"gh{kind}_" + drawn(36) for kind in "pousr"),
    "github_pat_" + drawn(22) + "_" + drawn(59),
    *(f"gl{kind}-" + drawn(20) for kind in ("pat", "dt", "soat")),
    "sk-" + drawn(20) + "T3BlbkFJ" + drawn(20),
    "sk-proj-" + drawn(60) + "T3BlbkFJ" + drawn(60),
    "sk-ant-api03-" + drawn(90),
    "sk-or-v1-" + drawn(64, HEX),
    "sk-" + drawn(32, HEX),
    "AIza" + drawn(35),
    "xoxb-" + drawn(12, "123456789") + "-" + drawn(24),
    "https://hooks.slack.com/services/T" + drawn(9, UPPER) + "/B" + drawn(9, UPPER) + "/" + drawn(24),
    "sk_live_" + drawn(24),
    "rk_test_" + drawn(24),
    "npm_" + drawn(36),
    "pypi-AgEIcHlwaS5vcmc" + drawn(80),
    "SG." + drawn(22) + "." + drawn(43),
    "hf_" + drawn(34, string.ascii_letters),
    drawn(9, "123456789") + ":AA" + drawn(33),
    "AC" + drawn(32, HEX),
    drawn(32, HEX) + "-us12",
    "shpat_" + drawn(32, HEX),
    "dop_v1_" + drawn(64, HEX),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + drawn(43),
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_replaced_wherever_it_stands(key: str) -> None:
    assert secret_keys.replace(f"Set it: {key}\nand go.") == ("Set it: [SECRET]\nand go.", 1)
    assert personal_data.replace(f'x = "{key}"') == ('x = "[SECRET]"', {"SECRET": 1})


def test_a_private_key_is_replaced_from_its_first_line_to_its_last() -> None:
    block = f"{PEM.format('BEGIN')}\n{drawn(64)}\n{drawn(40)}==\n{PEM.format('END')}"

    assert secret_keys.replace(f"a\n{block}\nb") == ("a\n[SECRET]\nb", 1)


def test_a_key_without_a_form_is_replaced_where_it_is_named() -> None:
    key = "q8Zr2LmT0vXc7WnB4yKd9HsP"

    for before in ("api_key = '", '"client_secret": "', "AWS_SECRET_ACCESS_KEY=", "access token: "):
        assert secret_keys.replace(f"{before}{key}'") == (f"{before}[SECRET]'", 1)
    assert secret_keys.replace(f"The song is {key}") == (f"The song is {key}", 0)
    assert secret_keys.replace("postgres://bob:tr0ub4dor@db.site.example/x") == (
        "postgres://bob:[SECRET]@db.site.example/x",
        1,
    )


@pytest.mark.parametrize(
    "text",
    [
        "AKIA is a prefix, akia" + "z" * 16 + " is no key, AKIAZZZ neither.",
        "foo_" + "aB3" * 12,
        "glpat_helloworld380_testing, gldt-too_short0",
        "sk-learn-contrib-is-a-collection-of-packages",
        'api_key = "YOUR_API_KEY_GOES_HERE_1"',
        "api_key: os.environ.get(name), token = tokenizer.convert_tokens_to_ids(text)",
        "secret_key = aaaaaaaaaaaaaaaaaaaaaaaa1",
        "https://user:password@host.example, redis://:@h, https://site.example/a:b@c",
        "eyJAAAA.eyJBBB and eyJub3QiOiJhIn0.eyJqd3QiOiJ0b2tlbiJ9",
        "-----BEGIN PUBLIC KEY-----",
        "Task 123456789: AA batteries",
    ],
)
def test_what_only_looks_like_a_key_stays(text: str) -> None:
    assert secret_keys.replace(text) == (text, 0)


@given(st.text(alphabet="-AKIagh_sk:/@=.eyJ 1\n", max_size=200))
def test_replacing_twice_is_replacing_once(text: str) -> None:
    replaced, _ = secret_keys.replace(text)

    assert secret_keys.replace(replaced) == (replaced, 0)

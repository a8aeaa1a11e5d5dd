"""An address is kept as it can be shown: its host is read off it, its password is not."""

import pytest

from wellspring.tasks.spine.reading import page_text


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.site.example:8080/a?b", "site.example"),
        ("http://user:secret@site.example/", "site.example"),
        ("not a url", ""),
        ("http://[broken", ""),
    ],
)
def test_a_domain_is_read_off_any_url(url: str, host: str) -> None:
    assert page_text.domain_of(url) == host


def test_a_url_is_kept_without_its_password() -> None:
    assert page_text.public("http://user:secret@site.example/a b") == "http://site.example/a%20b"

"""How a server is reached: headers, queries, keys, proxies, certificates; each as its wire shows it, on loopback."""

import base64
import contextlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError, WellspringError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.protocol import http_client, servers
from wellspring.tasks.io.standin import offline
from wellspring.tasks.spine.operations import diagnosis

KEY = "canary-4711-of-a-key"
QUESTION = Call("1", Prompt((Message("system", "Be brief."), Message("user", "What do mills grind?"))))
PROXIES = [name for pair in ("http", "https", "all", "no") for name in (f"{pair}_proxy", f"{pair}_proxy".upper())]


class Recorder(ThreadingHTTPServer):
    """The stand-in behind plain HTTP; it keeps each request: path as it was sent, headers, body."""

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Recorded)
        self.seen: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.where = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent where a client breaks off, as one does that does not trust a certificate."""


class Recorded(BaseHTTPRequestHandler):
    """One connection to a Recorder."""

    server: Recorder
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a question."""
        self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def do_GET(self) -> None:
        """List the models."""
        self._answer({})

    def _answer(self, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, headers, body))
        if "messages" in body:
            said: dict[str, Any] = offline.chat(body)
        elif "prompt" in body:
            chat = offline.chat({**body, "messages": [{"role": "user", "content": body["prompt"]}]})
            choice = chat["choices"][0]
            said = chat | {"choices": [{"text": choice["message"]["content"], "finish_reason": "stop"}]}
        else:
            said = {"data": [{"id": "own-model"}]}
        sent = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its parent calls it
        """Stay silent."""


@contextlib.contextmanager
def recording(certificate: Path | None = None) -> Iterator[Recorder]:
    server = Recorder(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*PROXIES, "OPENAI_BASE_URL", "SSL_CERT_FILE"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def asked(folder: Path, url: str, *overrides: str, **role: Any) -> Answer | Refused:
    """Ask one question of a server, as a profile with such a role would."""
    models = {"base_url": url, "generator": {"model": "own-model", "total_seconds": 5.0, "attempts": 2} | role}
    chosen = settings_.load(None, list(overrides), environment={}, extra={"models": models})
    with Models(chosen, folder, "run") as opened:
        return next(iter(opened.ask("generator", [QUESTION])))


def test_headers_query_and_fields_of_a_role_go_over_the_wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_SECRET", "canary-0815")
    body = {"top_k": 40, "chat_template_kwargs": {"enable_thinking": False}}
    with recording() as server:
        answer = asked(
            tmp_path,
            f"{server.where}/v1",
            extra_body=body,
            extra_headers={"X-Tenant": "env:TENANT_SECRET"},
            extra_query={"api-version": "2024-10-21"},
            reasoning_effort="low",
            stop=["###"],
        )
        path, headers, sent = server.seen[-1]

    assert isinstance(answer, Answer)
    assert path == "/v1/chat/completions?api-version=2024-10-21"
    assert headers["x-tenant"] == "canary-0815"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert {name: sent[name] for name in (*body, "reasoning_effort", "stop")} == {
        **body,
        "reasoning_effort": "low",
        "stop": ["###"],
    }
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"canary-0815" not in kept
    assert KEY.encode() not in kept


def test_a_header_whose_variable_is_not_set_is_a_usage_error_that_names_it(tmp_path: Path) -> None:
    with recording() as server, pytest.raises(UsageError, match="NOT_SET_ANYWHERE"):
        asked(tmp_path, f"{server.where}/v1", extra_headers={"X-Tenant": "env:NOT_SET_ANYWHERE"})

    assert server.seen == []


def test_fields_that_shape_an_answer_are_part_of_its_identity_and_headers_are_not(tmp_path: Path) -> None:
    with recording() as server:
        url = f"{server.where}/v1"
        keys = [
            asked(tmp_path, url, **more).completion_id
            for more in ({}, {"extra_headers": {"X-Tenant": "one"}}, {"extra_body": {"top_k": 4}}, {"stop": ["#"]})
        ]
        sent = len(server.seen)

    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert sent == 3


@pytest.mark.parametrize("key", [f"{KEY}\n", f"  {KEY}", f"{KEY}\r\n ", f"\t{KEY}"])
def test_blanks_and_line_ends_around_a_key_are_dropped(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with recording() as server:
        assert isinstance(asked(tmp_path, f"{server.where}/v1"), Answer)

    assert server.seen[-1][1]["authorization"] == f"Bearer {KEY}"


def test_a_name_and_a_password_in_an_address_are_sent_as_a_header_and_kept_nowhere(tmp_path: Path) -> None:
    with recording() as server:
        place = server.where.replace("://", "://me:canary%2F0815@")
        answer = asked(tmp_path, f"{place}/v1")
        _, headers, _ = server.seen[-1]

    assert isinstance(answer, Answer)
    assert headers["authorization"] == f"Basic {base64.b64encode(b'me:canary/0815').decode()}"
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"canary" not in kept


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "nul\x07l"])
def test_a_key_that_no_header_can_carry_is_named_by_its_variable_and_not_shown(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with recording() as server, pytest.raises(UsageError, match="OPENAI_API_KEY") as caught:
        asked(tmp_path, f"{server.where}/v1")

    assert key not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("place", ["127.0.0.1:8000/v1", "ftp://127.0.0.1/v1", "http://", "http://:8000/v1", "/v1"])
def test_an_address_that_is_none_is_a_usage_error_before_anything_is_asked(place: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        asked(tmp_path, place)

    assert "base_url" in f"{caught.value} {caught.value.hint}"


def test_azure_is_asked_as_azure_wants_it(tmp_path: Path) -> None:
    with recording() as server:
        place = f"{server.where}/openai/deployments/own-model?api-version=2024-10-21"
        answer = asked(tmp_path, place)
        path, headers, _ = server.seen[-1]

    assert isinstance(answer, Answer)
    assert path == "/openai/deployments/own-model/chat/completions?api-version=2024-10-21"
    assert headers["api-key"] == KEY
    assert "authorization" not in headers


def test_plain_completions_are_asked_in_one_text(tmp_path: Path) -> None:
    with recording() as server:
        answer = asked(tmp_path, f"{server.where}/v1", api="completions")
        path, _, sent = server.seen[-1]

    assert isinstance(answer, Answer)
    assert path == "/v1/completions"
    assert "messages" not in sent
    assert "What do mills grind?" in sent["prompt"]


# --- proxies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_server_elsewhere_is_asked_through_the_proxy_of_the_environment(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording() as proxy:
        monkeypatch.setenv(variable, proxy.where)
        answer = asked(tmp_path, "http://model.invalid/v1")

    assert isinstance(answer, Answer)
    assert proxy.seen[-1][0] == "http://model.invalid/v1/chat/completions"


def test_a_proxy_of_the_profile_wins_over_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with recording() as proxy:
        answer = asked(tmp_path, "http://model.invalid/v1", f"models.proxy={proxy.where}")

    assert isinstance(answer, Answer)
    assert len(proxy.seen) == 1


def test_no_proxy_stands_before_a_server_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with recording() as server:
        assert isinstance(asked(tmp_path, f"{server.where}/v1"), Answer)


@pytest.mark.parametrize("around", ["model.invalid", "*", ".invalid", "other.invalid, model.invalid"])
def test_no_proxy_is_honoured(around: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.where)
        monkeypatch.setenv("NO_PROXY", around)
        with pytest.raises(TransientError, match="does not answer"):  # there is no such host
            asked(tmp_path, "http://model.invalid/v1")

    assert proxy.seen == []


def test_a_proxy_that_is_down_or_no_http_proxy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://someone:{KEY}@127.0.0.1:9")
    with pytest.raises(WellspringError, match=r"the proxy 127\.0\.0\.1:9") as down:
        asked(tmp_path, "http://model.invalid/v1")
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(UsageError, match="not an HTTP proxy"):
        asked(tmp_path, "http://model.invalid/v1")

    assert KEY not in str(down.value)


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody but itself has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


@pytest.fixture
def fresh_trust() -> Iterator[None]:
    """Read which authorities are trusted anew, as a process does at its start."""
    http_client.tls.cache_clear()
    yield
    http_client.tls.cache_clear()


@pytest.mark.usefixtures("fresh_trust")
def test_a_certificate_that_nobody_trusts_stops_the_run_and_names_the_variable(
    certificate: Path, tmp_path: Path
) -> None:
    with recording(certificate) as server, pytest.raises(BrokenError, match="certificate") as caught:
        asked(tmp_path, f"{server.where}/v1")

    assert "SSL_CERT_FILE" in caught.value.hint
    assert server.seen == []


@pytest.mark.usefixtures("fresh_trust")
def test_a_certificate_in_ssl_cert_file_is_trusted(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with recording(certificate) as server:
        assert isinstance(asked(tmp_path, f"{server.where}/v1"), Answer)


def test_a_server_without_tls_that_is_asked_by_https_is_named(tmp_path: Path) -> None:
    with recording() as server, pytest.raises(TransientError) as caught:
        asked(tmp_path, server.where.replace("http:", "https:") + "/v1")

    assert "http://" in str(caught.value)


# --- the doctor ------------------------------------------------------------------------------------------------------


def looked_at(url: str, *overrides: str) -> str:
    chosen = settings_.load(None, [f"models.base_url={url}", *overrides], environment={})
    findings = {finding.what: finding for finding in diagnosis.examine(chosen, Path("nowhere"))}
    finding = findings[f"generator: {chosen.models.generator.model}"]
    return f"{finding.is_fine} {finding.found} | {finding.remedy}"


def test_the_doctor_asks_with_the_same_key_headers_query_and_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.where)
        said = looked_at(
            "http://model.invalid/openai/deployments/own-model?api-version=1", "models.generator.model=own-model"
        )
        path, headers, _ = proxy.seen[0]

    assert said.startswith("True answers, and serves it")
    assert path == "http://model.invalid/openai/deployments/own-model/models?api-version=1"
    assert headers["api-key"] == KEY


def test_the_doctor_says_that_another_model_is_served() -> None:
    with recording() as server:
        said = looked_at(f"{server.where}/v1", "models.generator.model=typo-model")

    assert re.search("not typo-model.*it lists: own-model", said)


@pytest.mark.usefixtures("fresh_trust")
def test_the_doctor_names_a_certificate_and_a_server_that_is_away(certificate: Path) -> None:
    with recording(certificate) as server:
        said = looked_at(f"{server.where}/v1")

    assert "False" in said
    assert "SSL_CERT_FILE" in said
    assert "cannot connect" in looked_at("http://127.0.0.1:9/v1")


def test_an_azure_key_of_entra_goes_where_keys_usually_go() -> None:
    assert servers.is_azure("https://wells.openai.azure.com/openai/v1")
    assert not servers.is_azure("https://api.example.com/v1")

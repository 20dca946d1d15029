from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from shared.errors import ConfigError
from shared.web.settings import Common, describe, load

PREFIX = "MUNIMENT_TRIAL"


class Trial(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    batch: Annotated[int, Meta(ge=1, le=100, description="Copies a batch.")] = 20
    loud: Annotated[bool, Meta(description="Whether to shout.")] = False


def test_defaults_need_nothing() -> None:
    settings = load(Trial, None, {}, PREFIX)
    assert settings == Trial()
    assert not settings.secure


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "trial.toml"
    file.write_text('port = 1\nbatch = 2\noutbound_allow = ["a.example:1"]\n')
    settings = load(Trial, file, {f"{PREFIX}_BATCH": "3", f"{PREFIX}_LOUD": "true", f"{PREFIX}_OUTBOUND_PORTS": "443, 8443"}, PREFIX)
    assert (settings.port, settings.batch, settings.loud, settings.outbound_ports) == (1, 3, True, (443, 8443))
    assert settings.outbound_allow == ("a.example:1",)


def test_other_programs_variables_are_left_alone() -> None:
    load(Trial, None, {"MUNIMENT_TRIALS_PORT": "x", "PATH": "/bin", f"{PREFIX}_DIR": "/srv", f"{PREFIX}_PASSPHRASE_FILE": "p"}, PREFIX)


@pytest.mark.parametrize(
    ("toml", "environ", "where", "said"),
    [
        (b"prot = 1", {}, "prot", "did you mean 'port'"),
        (b"zzzz = 1", {}, "zzzz", "known are"),
        (b"", {f"{PREFIX}_PROT": "1"}, "prot", f"{PREFIX}_PROT"),
        (b"", {f"{PREFIX}_PORT": "many"}, "port", f"{PREFIX}_PORT"),
        (b"port = 70000", {}, "port", "the settings file"),
        (b"batch = 0", {}, "batch", ">= 1"),
        (b'outbound_allow = ["a.example:1", 7]', {}, "outbound_allow", "outbound_allow"),
        (b'log_level = "shout"', {}, "log_level", "log_level"),
        (b'public_url = "issuer.example"', {}, "public_url", "absolute address"),
        (b'public_url = "https://issuer.example/"', {}, "public_url", "final slash"),
        (b'public_url = "https://a:b@issuer.example"', {}, "public_url", "sign-in"),
        (b'tls_cert = "c.pem"', {}, "tls_cert", "together"),
        (b'sign_language = "javascript:alert(1)"', {}, "sign_language", "https address"),
        (b'sign_language = "https://a@films.example"', {}, "sign_language", "https address"),
        (b'trusted_proxies = ["10.0.0.0/8", "here"]', {}, "trusted_proxies", "here"),
        (b'outbound_allow = ["localhost"]', {}, "outbound_allow", "host:port"),
        (b"port = ", {}, "", "not TOML"),
        (b"\xff", {}, "", "not TOML"),
    ],
)
def test_each_error_names_the_setting(toml: bytes, environ: dict[str, str], where: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r".") as caught:
        load(Trial, toml, environ, PREFIX)
    assert caught.value.where == where
    assert said in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(Trial, tmp_path / "none.toml", {}, PREFIX)


def test_no_error_tells_a_value() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Trial, b'port = "hunter2-secret"', {}, PREFIX)
    assert "hunter2" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_a_config_error(toml: bytes) -> None:
    with contextlib.suppress(ConfigError):
        load(Trial, toml, {}, PREFIX)


def test_describe_has_every_setting_with_a_sentence() -> None:
    rows = describe(Trial, PREFIX)
    assert [row.name for row in rows] == [field.name for field in msgspec.structs.fields(Trial)]
    assert all(row.doc.endswith(".") and row.kind for row in rows)
    assert next(row for row in rows if row.name == "batch").default == "20"
    assert next(row for row in rows if row.name == "trusted_proxies").kind == "list of text"
    assert next(row for row in rows if row.name == "loud").variable == f"{PREFIX}_LOUD"


def test_origin_is_what_a_browser_writes() -> None:
    assert Common(public_url="https://Issuer.example/base").origin == "https://issuer.example"
    assert Common(public_url="http://localhost:8101").origin == "http://localhost:8101"
    assert Common(public_url="https://issuer.example:443").origin == "https://issuer.example"

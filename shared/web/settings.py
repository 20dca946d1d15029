"""Settings: one frozen msgspec Struct a service, from a TOML file and then from the environment, which wins.

``port`` in the file is ``MUNIMENT_ISSUER_PORT`` in the environment of the issuer. Unknown names are refused, because a
misspelt setting that is silently ignored is an open door. Only ``*/config.py`` reads the environment and passes it here.

    class IssuerSettings(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
        batch: Annotated[int, Meta(ge=1, le=100, description="Copies of one document that a wallet gets at once.")] = 20

    settings = load(IssuerSettings, Path("issuer.toml"), os.environ, "MUNIMENT_ISSUER")
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from ..errors import ConfigError, Malformed
from ..urls import LOOPBACK, check_identifier

S = TypeVar("S", bound=msgspec.Struct)

LogLevel = Literal["debug", "info", "warning", "error"]
ELSEWHERE = ("DIR", "PASSPHRASE_FILE")
"""Names of the environment that the command line reads before there are settings."""


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every service needs. A service's own settings extend this Struct; ``__post_init__`` checks what types cannot say."""

    public_url: Annotated[
        str, Meta(description="The address under which others reach the service, without a final slash: the only source of its links.")
    ] = "http://localhost:8100"
    host: Annotated[str, Meta(description="The network address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="The port to listen on; 0 takes any free one.")] = 8100
    storage: Annotated[str, Meta(description="Where records are kept: `sqlite:///PATH` or `postgresql://…`.")] = ""
    keys: Annotated[str, Meta(description="Where private keys are kept: `file:PATH`, or `memory:` for trials.")] = ""
    tls_cert: Annotated[str, Meta(description="Certificate file (PEM, with its chain). Set it together with `tls_key`.")] = ""
    tls_key: Annotated[str, Meta(description="Private key file (PEM) of `tls_cert`.")] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Networks whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`.")
    ] = ()
    outbound_ca_file: Annotated[str, Meta(description="More certificate authorities (PEM) to trust for outbound calls.")] = ""
    outbound_allow: Annotated[
        tuple[str, ...], Meta(description="`host:port` pairs, or `host:*`, that may be called although they are private, or without TLS.")
    ] = ()
    outbound_ports: Annotated[tuple[int, ...], Meta(description="Ports that may be called on public addresses.")] = (443, 8443)
    outbound_seconds: Annotated[float, Meta(gt=0, le=120, description="Time limit of one outbound call, in seconds.")] = 10.0
    request_seconds: Annotated[float, Meta(gt=0, le=600, description="Time limit of one inbound request, in seconds.")] = 60.0
    max_body: Annotated[int, Meta(ge=1_024, description="Largest request body in bytes, where an endpoint sets no own limit.")] = 1_000_000
    log_level: Annotated[LogLevel, Meta(description="Least important log lines to write.")] = "info"
    metrics_port: Annotated[
        int, Meta(ge=0, le=65_535, description="Own port for `/metrics` on `host`; 0 serves it on the main port to this machine only.")
    ] = 0
    time_zone: Annotated[str, Meta(description="Time zone of the times shown on pages.")] = "Europe/London"
    sign_language: Annotated[
        str,
        Meta(
            max_length=2_000, description="https address of a film or an interpreter in British Sign Language, to which every page leads."
        ),
    ] = ""
    authority_hints: Annotated[
        tuple[str, ...],
        Meta(max_length=16, description="Identifiers of the bodies above this one in federations: what its entity configuration names."),
    ] = ()
    organization_name: Annotated[
        str, Meta(max_length=120, description="What the organisation is called in federations; empty for the name of the service.")
    ] = ""
    organization_name_cy: Annotated[str, Meta(max_length=120, description="The same in Welsh; empty for the same text.")] = ""
    credential_types: Annotated[
        tuple[str, ...],
        Meta(
            max_length=64,
            description="Files that describe further kinds of document, made ready with `type check`; relative names lie in the data folder.",
        ),
    ] = ()
    key_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3_650,
            description="Days that a key signs before another one follows by itself, where keys do; 0 leaves it to `keys rotate`.",
        ),
    ] = 365
    failpoint: Annotated[
        str, Meta(description="For crash tests only: `NAME:before` or `NAME:after` kills the process around that write.")
    ] = ""

    def __post_init__(self) -> None:
        check_public_url(self.public_url)
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key are set together or not at all")
        if self.sign_language and not re.fullmatch(r"https://[^\s/@]+(/\S*)?", self.sign_language):
            raise ValueError(f"sign_language: {self.sign_language!r} is not an https address")
        for hint in self.authority_hints:
            try:
                check_identifier(hint, plain_http=LOOPBACK)
            except Malformed as error:
                raise ValueError(f"authority_hints: {error.detail}") from error
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"trusted_proxies: {network!r} is not a network such as 10.0.0.0/8") from error
        for pair in self.outbound_allow:
            if not re.fullmatch(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]*]+):(\d{1,5}|\*)", pair, re.IGNORECASE):
                raise ValueError(f"outbound_allow: {pair!r} is not host:port or host:*")

    @property
    def secure(self) -> bool:
        """Whether people reach us over TLS; then cookies are `Secure` and HSTS is sent."""
        return self.public_url.startswith("https:")

    @property
    def plain_http(self) -> tuple[str, ...]:
        """Hosts that may be spoken to without TLS: those that the operator lists as callable."""
        return tuple(pair.removesuffix(":*") for pair in self.outbound_allow)

    @property
    def origin(self) -> str:
        """Scheme, host and port of ``public_url``, as a browser writes them in `Origin`."""
        return origin_of(self.public_url)


class OperatorSettings(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service with operators needs beyond ``Common``."""

    operator_login_issuer: Annotated[
        str,
        Meta(
            description="Identifier of an OpenID Connect provider where operators may sign in; empty for none. It knows this service by "
            "`operator_login_client_id` and a secret, and sends people back to `/console/sign-in/login/back` of the issuer or "
            "`/desk/sign-in/login/back` of the verifier."
        ),
    ] = ""
    operator_login_client_id: Annotated[str, Meta(description="What that provider calls this service.")] = ""
    operator_login_name: Annotated[str, Meta(max_length=60, description="What that provider is called on the pages.")] = ""
    operator_login_secret_file: Annotated[
        str, Meta(description="File with the secret, in the data folder unless its path is whole; none is needed for a public client.")
    ] = "operator-login.secret"  # noqa: S105 - the name of a file
    operator_login_scopes: Annotated[
        tuple[str, ...], Meta(description="What the provider is asked for beside `openid`, so that its ID token names person and groups.")
    ] = ("profile",)
    operator_login_claim: Annotated[str, Meta(min_length=1, description="Claim of the ID token that lists the groups of a person.")] = (
        "groups"
    )
    operator_login_roles: Annotated[
        tuple[str, ...],
        Meta(description="Groups that are let in, each with its role: `GROUP=ROLE`. Of several the highest role counts."),
    ] = ()
    operator_login_hours: Annotated[
        int, Meta(ge=1, le=12, description="Hours after which an operator signs in there again, so that a group that ended is noticed.")
    ] = 8
    operator_passphrases: Annotated[
        bool,
        Meta(description="Whether operators may sign in with a passphrase; `false` counts only while an admin has another way to sign in."),
    ] = True


@lru_cache(maxsize=64)
def origin_of(url: str) -> str:
    """Scheme, host and port of ``url``, the usual port left out."""
    parts = urlsplit(url)
    usual = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}"


def check_public_url(url: str) -> None:
    """Raise ``ValueError`` unless ``url`` is absolute http(s), without credentials, query, fragment or final slash."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("public_url: an absolute address such as https://issuer.example is needed")
    if parts.query or parts.fragment or parts.username is not None or url.endswith("/") or not url.isascii():
        raise ValueError("public_url: no query, fragment, sign-in or final slash is allowed")


def load(kind: type[S], toml: bytes | Path | None, environ: Mapping[str, str], prefix: str, *, elsewhere: tuple[str, ...] = ELSEWHERE) -> S:
    """Settings of type ``kind``: defaults, then the TOML file (or its bytes), then ``<prefix>_<NAME>`` of ``environ``.

    Lists are comma-separated in the environment. ``elsewhere`` names variables under the same prefix that are no settings.
    Raises ``ConfigError`` that names the setting, where it was set, and what was expected; never the value of a setting.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    given = _from_toml(toml)
    for name in given:
        if name not in fields:
            raise ConfigError(f"unknown setting {name!r}{_meant(name, fields)}", where=name)
    sources = dict.fromkeys(given, "the settings file")
    for variable, text in environ.items():
        if not variable.startswith(prefix + "_") or variable.removeprefix(prefix + "_") in elsewhere:
            continue
        name = variable.removeprefix(prefix + "_").lower()
        if name not in fields:
            raise ConfigError(f"unknown setting {variable} in the environment{_meant(name, fields)}", where=name)
        given[name] = _split(text) if _is_list(fields[name].type) else text
        sources[name] = variable
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _told(error, sources) from error


def _from_toml(toml: bytes | Path | None) -> dict[str, Any]:
    if toml is None:
        return {}
    try:
        text = (toml.read_bytes() if isinstance(toml, Path) else toml).decode()
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"the settings file cannot be read: {error.strerror or 'unknown reason'}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the settings file is not TOML: {error}") from error


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_list(kind: object) -> bool:
    info = msgspec.inspect.type_info(kind)
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return isinstance(
        info, msgspec.inspect.VarTupleType | msgspec.inspect.ListType | msgspec.inspect.FrozenSetType | msgspec.inspect.SetType
    )


def _meant(name: str, fields: Mapping[str, object]) -> str:
    """A guess at what was meant, for typing errors."""
    import difflib  # noqa: PLC0415 - only a mistake pays for it

    near = difflib.get_close_matches(name, fields, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are: {', '.join(sorted(fields))}"


def _told(error: msgspec.ValidationError, sources: Mapping[str, str]) -> ConfigError:
    said, _, path = str(error).partition(" - at `$.")
    name = re.split(r"[.\[`]", path)[0] if path else ""
    if not name:  # from __post_init__, which names the setting in its own words
        name = next((known for known in sources if re.search(rf"\b{known}\b", said)), "")
        return ConfigError(f"{said} (from {sources[name]})" if name else said, where=name)
    return ConfigError(f"setting {name!r} (from {sources.get(name, 'its default')}): {said}", where=name)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings. ``default`` is written as in TOML."""

    name: str
    variable: str
    kind: str
    default: str
    doc: str


def describe(kind: type[msgspec.Struct], prefix: str) -> tuple[Setting, ...]:
    """All settings of ``kind`` in the order of their definition, for the documents and their test."""
    schema = msgspec.json.schema(kind)
    (properties,) = (part["properties"] for part in schema["$defs"].values() if part.get("type") == "object")
    return tuple(
        Setting(field.encode_name, f"{prefix}_{field.encode_name.upper()}", _kind(one), _default(one), str(one.get("description", "")))
        for field in msgspec.structs.fields(kind)
        for one in (properties[field.encode_name],)
    )


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return {"integer": "whole number", "number": "number", "boolean": "true | false"}.get(str(schema.get("type")), "text")


def _default(schema: Mapping[str, Any]) -> str:
    return msgspec.json.encode(schema["default"]).decode() if "default" in schema else "(required)"

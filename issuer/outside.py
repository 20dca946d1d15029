"""Holders with an account elsewhere: which provider, and what the office is to it."""

from __future__ import annotations

from issuer import config
from issuer.office import Office
from shared.errors import ConfigError, VcError
from shared.private_file import read_secret
from shared.urls import check_identifier
from shared.web.oidc import Provider

BACK = "/authorize/login/back"


def provider(office: Office) -> Provider | None:
    """Where holders may sign in, as the settings say; ``None`` for nowhere. ``ConfigError``."""
    settings = office.settings
    if not settings.login_issuer:
        return None
    if not settings.login_client_id or not settings.login_name:
        raise ConfigError("an outside login needs login_client_id and login_name too", where="login_issuer")
    try:
        check_identifier(settings.login_issuer)
    except VcError as error:
        raise ConfigError("this is not the identifier of a provider", where="login_issuer") from error
    file = config.login_secret(office.directory)
    return Provider(
        issuer=settings.login_issuer,
        client_id=settings.login_client_id,
        secret=read_secret(file, "login.secret").decode() if file.exists() else "",
        redirect_uri=office.url(BACK),
    )

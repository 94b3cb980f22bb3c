"""Fetches a secret from where the settings say that it stands: environment, file or the system's keyring.

Nothing is kept: a secret is read when a connection is opened, so that a rotated password counts at once. What comes
back is a `SecretStr`, which prints as stars. An error names the variable, file or keyring entry, never what is in it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pydantic import SecretStr

from config.errors import ConfigError
from config.mailboxes import OAuth, Server
from config.settings import Oidc, Settings, Webhook

#: Who beside the owner may touch a file of secrets: its group may read (a service's group), nobody else anything.
_FORBIDDEN_BITS = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
_LONGEST_SECRET_BYTES = 64 * 1024


def secret_of(server: Server) -> SecretStr:
    """The password of an IMAP or SMTP server.

    Raises:
        ConfigError: it is not where the settings say, or its file is open to others; or the server logs in by OAuth,
            whose access token is fetched by `agent.wire.oauth`.
    """
    key = server.key
    if server.password_env is not None:
        return _from_environment(server.password_env, server.file, f"{key}.password_env")
    if server.password_file is not None:
        return _from_file(server.password_file, server.file, f"{key}.password_file")
    if server.password_keyring is not None:
        return _from_keyring(server.password_keyring, server.username, server.file, f"{key}.password_keyring")
    raise ConfigError(
        server.file, key, "a password (password_env, password_file or password_keyring)", "Add one of them."
    )


def refresh_token_of(oauth: OAuth, server: Server) -> SecretStr:
    """The refresh token of `server`'s OAuth log-in. Raises ConfigError as `secret_of` does."""
    return _either(oauth.refresh_token_env, oauth.refresh_token_file, server, "refresh_token")


def client_secret_of(oauth: OAuth, server: Server) -> SecretStr | None:
    """The client's secret, or None where the provider gave none. Raises ConfigError as `secret_of` does."""
    if oauth.client_secret_env is None and oauth.client_secret_file is None:
        return None
    return _either(oauth.client_secret_env, oauth.client_secret_file, server, "client_secret")


def webhook_secret_of(webhook: Webhook, name: str, settings: Settings) -> SecretStr:
    """The secret that a webhook's messages are signed with. Raises ConfigError as `secret_of` does."""
    key = f"webhook.{name}"
    if webhook.secret_env is not None:
        return _from_environment(webhook.secret_env, settings.file, f"{key}.secret_env")
    assert webhook.secret_file is not None, "the settings ask for one of the two"
    return _from_file(webhook.secret_file, settings.file, f"{key}.secret_file")


def oidc_secret_of(oidc: Oidc, settings: Settings) -> SecretStr | None:
    """The secret of the pages at the provider, or None where they have none. Raises ConfigError as `secret_of` does."""
    if oidc.client_secret_env is not None:
        return _from_environment(oidc.client_secret_env, settings.file, "web.oidc.client_secret_env")
    if oidc.client_secret_file is not None:
        return _from_file(oidc.client_secret_file, settings.file, "web.oidc.client_secret_file")
    return None


def _either(variable: str | None, path: Path | None, server: Server, name: str) -> SecretStr:
    key = f"{server.key}.oauth.{name}"
    if variable is not None:
        return _from_environment(variable, server.file, f"{key}_env")
    if path is not None:
        return _from_file(path, server.file, f"{key}_file")
    raise ConfigError(server.file, key, f"{name}_env or {name}_file", "Add one of them.")


def _from_environment(variable: str, file: Path, key: str) -> SecretStr:
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(
            file,
            key,
            f"the environment variable {variable} to be set",
            f"Set {variable} where relance is started (for systemd: EnvironmentFile=), or use another way than {key}.",
        )
    return SecretStr(value)


def _from_file(path: Path, file: Path, key: str) -> SecretStr:
    place = file.absolute().parent / path.expanduser()
    try:
        with place.open("rb") as secret_file:
            mode = stat.S_IMODE(os.fstat(secret_file.fileno()).st_mode)
            raw = secret_file.read(_LONGEST_SECRET_BYTES)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise ConfigError(
            file, key, f"a readable file {place}", "Create it with the secret as its only line.", found=reason
        ) from None
    if mode & _FORBIDDEN_BITS:
        raise ConfigError(
            file, key, f"{place} to be closed to others", f"Run: chmod 600 {place}", found=f"its mode {mode:04o}"
        )
    try:
        value = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        value = ""
    if not value or "\n" in value:
        raise ConfigError(file, key, f"one line of text in {place}", "Write the secret, and nothing else, into it.")
    return SecretStr(value)


def _from_keyring(service: str, username: str, file: Path, key: str) -> SecretStr:
    # It looks for the desktop's services when it is imported, so only where it is asked for.
    import keyring  # noqa: PLC0415
    import keyring.errors  # noqa: PLC0415

    try:
        value = keyring.get_password(service, username)
    except keyring.errors.KeyringError as error:
        raise ConfigError(
            file,
            key,
            "a keyring that can be opened",
            "Unlock it, or use password_env or password_file: a daemon has no desktop.",
            found=type(error).__name__,
        ) from None
    if not value:
        raise ConfigError(
            file, key, f"a password for {username} in the keyring", f"Run: keyring set {service} {username}"
        )
    return SecretStr(value)

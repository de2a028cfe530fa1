"""Opens the key that live settings name: from the environment, or an imported one with its passphrase."""

from __future__ import annotations

from ..core.errors import ConfigurationError
from ..core.key_storage.keystore import KeyStore
from ..core.key_storage.passphrases import Ask, Keychain, find_passphrase
from ..core.polymarket.signing import Signer
from ..core.settings import Settings
from .questions import ask_hidden, is_attended


def open_signer(settings: Settings, *, keychain: Keychain | None = None) -> Signer | None:
    """The holder of the key to trade with; None where there is no key at all. A second of work for an imported one.

    Raises ConfigurationError when it is not clear which key is meant, and when it cannot be opened.
    """
    if settings.private_key is not None:
        return Signer(settings.private_key.get_secret_value())
    keys = KeyStore(settings.key_folder)
    address = chosen_address(settings, keys)
    if address is None:
        return None
    ask: Ask | None = ask_hidden if is_attended() else None
    passphrase = find_passphrase(address, file=settings.key_passphrase_file, keychain=keychain or Keychain(), ask=ask)
    return Signer(keys.open(address, passphrase))


def chosen_address(settings: Settings, keys: KeyStore) -> str | None:
    """The address of the imported key that is meant; None when none is imported. Raises ConfigurationError."""
    if settings.key_address is not None:
        keys.path_of(settings.key_address)
        return settings.key_address
    addresses = keys.addresses()
    if len(addresses) > 1:
        raise ConfigurationError(
            f"Several keys are imported; name one with POLYMARKET_KEY_ADDRESS: {', '.join(addresses)}."
        )
    return addresses[0] if addresses else None

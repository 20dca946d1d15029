"""OAuth 2.0 as wallets and issuers speak it: errors, pushed requests, PKCE, DPoP, client attestation. No socket, no clock, no key."""

from ._errors import is_words, media_type, parse_error, words

__all__ = ["is_words", "media_type", "parse_error", "words"]

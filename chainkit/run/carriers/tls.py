"""One TLS context for the process, made when first needed: making it takes tens of milliseconds."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache


@lru_cache(maxsize=1)
def context() -> ssl.SSLContext:
    """Trusts what SSL_CERT_FILE or SSL_CERT_DIR name, else the certifi bundle."""
    made = ssl.create_default_context(**_trusted())
    made.set_alpn_protocols(["http/1.1"])
    return made


def _trusted() -> dict[str, str]:
    if os.environ.get("SSL_CERT_FILE"):
        return {"cafile": os.environ["SSL_CERT_FILE"]}
    if os.environ.get("SSL_CERT_DIR"):
        return {"capath": os.environ["SSL_CERT_DIR"]}
    import certifi

    return {"cafile": certifi.where()}

"""One TLS context for the process, made when first needed: making it takes tens of milliseconds."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache


@lru_cache(maxsize=1)
def context() -> ssl.SSLContext:
    """Trusts what SSL_CERT_FILE or SSL_CERT_DIR name, else the certifi bundle."""
    file, folder = os.environ.get("SSL_CERT_FILE") or None, os.environ.get("SSL_CERT_DIR") or None
    if file is None and folder is None:
        import certifi

        file = certifi.where()
    made = ssl.create_default_context(cafile=file, capath=folder)
    made.set_alpn_protocols(["http/1.1"])
    return made

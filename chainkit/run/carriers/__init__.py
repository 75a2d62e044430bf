"""Ways to send one request and get bytes back: over our own connections, or a client handed over."""

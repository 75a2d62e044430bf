"""Models behind one interface: chat now; requests, replies, profiles and the provider protocol."""

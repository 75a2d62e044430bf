"""Conversations kept by servers."""

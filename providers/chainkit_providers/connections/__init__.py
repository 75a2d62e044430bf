"""Connections to servers that more than one part of chainkit speaks to."""

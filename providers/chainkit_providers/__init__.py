"""Adapters for model vendors: one vendor a file or folder, gateways as rows of data.

Found through the entry points of the group `chainkit.providers`, as a third party's are.
"""

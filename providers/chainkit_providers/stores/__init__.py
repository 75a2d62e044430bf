"""Stores on other engines than SQLite: one file each, found through entry points."""

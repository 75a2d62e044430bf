"""Composing: sequence, parallel, each, branch, loop, route, assign, step, and policies around a chain."""

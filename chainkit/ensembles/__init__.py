"""Ensembles: several members answer, and what they say is combined into one verdict."""

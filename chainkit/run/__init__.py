"""The run: one doing of a chain. Its io, its gate, its ledger. Imports nothing above leaf data."""

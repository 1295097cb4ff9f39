"""Runs: plan, shards, executors, ledger, nightly run."""

"""The job: plan, shards, steps, executors, ledger, nightly run."""

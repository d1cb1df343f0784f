"""Alerts: a rule says what a person wants to hear of, and where. The alerter watches runs, sweeps and studies."""

"""The alerter: rules, decisions, requests, tables."""

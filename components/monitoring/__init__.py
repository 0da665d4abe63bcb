"""Metrics with their sources, recording and alerting rules, and dashboards."""

"""The dashboards as Grafana loads them: JSON, written by `python -m components.monitoring.grafana`.

Written ahead of time, because Grafana's builders are a tool for us and not something that a stack should have to load.
"""

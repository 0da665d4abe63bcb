"""The dashboards as Grafana loads them: JSON, written by `python -m components.monitoring.grafana`.

They are generated in advance, so that stacks do not need Grafana's builder library.
"""

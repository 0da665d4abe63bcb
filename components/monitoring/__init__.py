"""What is watched: metrics with their sources, recording and alerting rules, dashboards."""

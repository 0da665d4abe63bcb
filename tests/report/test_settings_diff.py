"""Differences of settings: only here a wrong line, or a secret of the settings in a report, is found."""

from report.settings_diff import SettingChange, settings_changes
from tests.report.recorded import stack_text


def test_a_changed_setting_has_its_path_both_values_and_its_line():
    before = stack_text("prod")
    after = before.replace("machines: [g6.12xlarge]", "machines: [g6.24xlarge]")
    line = next(n for n, text in enumerate(after.splitlines(), start=1) if "g6.24xlarge" in text)
    (change,) = settings_changes(before, after)
    assert change == SettingChange("cluster.pools.l4.machines", '["g6.12xlarge"]', '["g6.24xlarge"]', line)


def test_a_removed_setting_has_the_line_of_what_contained_it():
    before = "config:\n  mlplatform:teams:\n    vision:\n      cpu: 4\n      owner: a\n"
    after = "config:\n  mlplatform:teams:\n    vision:\n      owner: a\n"
    assert settings_changes(before, after) == (SettingChange("teams.vision.cpu", "4", "", 3),)


def test_values_of_secrets_and_variables_are_not_shown():
    before = "config:\n  mlplatform:training:\n    a:\n      job: {environment: {KEY: one}, apiToken: one}\n"
    after = before.replace("one", "planted")
    assert "planted" not in repr(settings_changes(before, after))
    encrypted = "config:\n  mlplatform:mlflow:\n    password: {secure: planted}\n"
    assert "planted" not in repr(settings_changes("config: {}", encrypted))


def test_text_that_is_no_yaml_has_no_settings():
    assert settings_changes("config: [", "a: b: c") == ()

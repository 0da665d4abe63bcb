"""Where state goes, who chose it, and what protects the secrets in it."""

import json
from pathlib import Path

import pytest

from tools.backend import (
    Backend,
    checkout_name,
    choose_backend,
    cluster_name,
    forget_salt,
    passphrase_file,
    remove_state,
    secrets_environment,
    settings_copy,
    state_directory,
    write_private,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without a backend of its own."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text("name: mlplatform\nruntime: python\n", encoding="utf-8")
    (directory / "Pulumi.dev.yaml").write_text("# says why\nconfig: {}\n", encoding="utf-8")
    return directory


def log_in(home: Path, url: str) -> dict[str, str]:
    """The environment of somebody who ran `pulumi login`."""
    home.mkdir()
    (home / "credentials.json").write_text(json.dumps({"current": url}), encoding="utf-8")
    return {"PULUMI_HOME": str(home)}


def test_the_choice_of_a_backend_follows_the_engines_own_order(project, tmp_path):
    state, environment = tmp_path / "state", log_in(tmp_path / "home", "s3://company")
    nobody = {"PULUMI_HOME": str(tmp_path / "empty")}
    assert choose_backend(project, state, nobody) == Backend(f"file://{state}/backend", "default")
    assert choose_backend(project, state, environment) == Backend("s3://company", "pulumi login")
    (project / "Pulumi.yaml").write_text("backend: {url: gs://project}\n", encoding="utf-8")
    assert choose_backend(project, state, environment) == Backend("gs://project", "Pulumi.yaml")
    environment["PULUMI_BACKEND_URL"] = "file:///chosen"
    assert choose_backend(project, state, environment) == Backend("file:///chosen", "PULUMI_BACKEND_URL")


def test_a_login_is_found_where_the_toolchain_keeps_it(project, tmp_path):
    log_in(tmp_path / "home", "s3://company")
    environment = {"PULUMI_HOME": str(tmp_path / "ours"), "PULUMI_CREDENTIALS_PATH": str(tmp_path / "home")}
    assert choose_backend(project, tmp_path, environment).url == "s3://company"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_broken_credentials_are_no_login(project, tmp_path, text):
    environment = log_in(tmp_path / "home", "")
    (tmp_path / "home" / "credentials.json").write_text(text, encoding="utf-8")
    assert choose_backend(project, tmp_path, environment).chosen_by == "default"


@pytest.mark.parametrize(
    ("url", "self_managed", "is_file"),
    [
        ("file:///x", True, True),
        ("s3://x", True, False),
        ("postgres://x", True, False),
        ("https://api.pulumi.com", False, False),
    ],
)
def test_the_scheme_decides_who_manages_the_state(url, self_managed, is_file):
    backend = Backend(url, "test")
    assert (backend.self_managed, backend.is_file) == (self_managed, is_file)


def test_of_the_attribute_files_only_those_that_the_engine_cannot_read_are_removed(tmp_path):
    stacks = tmp_path / ".pulumi" / "stacks"
    stacks.mkdir(parents=True)
    contents = {"empty.json.attrs": b"", "half.json.attrs": b'{"user', "whole.json.attrs": b"{}", "empty.json": b""}
    for name, content in contents.items():
        (stacks / name).write_bytes(content)
    Backend(f"file://{tmp_path}?metadata=", "test").remove_torn_attributes()
    assert sorted(path.name for path in stacks.iterdir()) == ["empty.json", "whole.json.attrs"]
    Backend("s3://bucket", "test").remove_torn_attributes()


def test_two_checkouts_of_one_name_share_neither_state_nor_cluster(tmp_path):
    first, second = tmp_path / "a" / "ml", tmp_path / "b" / "ml"
    assert checkout_name(first) != checkout_name(second)
    assert state_directory(first) != state_directory(second)
    assert cluster_name(first, "dev") != cluster_name(second, "dev")
    assert cluster_name(first, "dev") == cluster_name(tmp_path / "b" / ".." / "a" / "ml", "dev")


def test_the_passphrase_is_made_once_is_long_and_is_private(tmp_path):
    path = passphrase_file(tmp_path / "state")
    text = path.read_text(encoding="utf-8")
    assert len(text.strip()) >= 40
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert passphrase_file(tmp_path / "state").read_text(encoding="utf-8") == text
    assert passphrase_file(tmp_path / "other").read_text(encoding="utf-8") != text


FILE = Backend("file:///x", "default")


@pytest.mark.parametrize(
    "environment", [{"PULUMI_CONFIG_PASSPHRASE": "own"}, {"PULUMI_CONFIG_PASSPHRASE_FILE": "/own/file"}]
)
def test_a_passphrase_of_the_users_own_wins(project, tmp_path, environment):
    variables = secrets_environment(project, "dev", tmp_path / "state", FILE, environment)
    assert variables == {"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true"}
    assert not (tmp_path / "state").exists()


def test_an_empty_passphrase_protects_nothing_and_counts_as_none(project, tmp_path):
    variables = secrets_environment(project, "dev", tmp_path, FILE, {"PULUMI_CONFIG_PASSPHRASE": ""})
    assert variables == {
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "passphrase"),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
    }


def test_a_settings_file_with_a_secrets_provider_of_its_own_is_used_as_it_is(project, tmp_path):
    (project / "Pulumi.dev.yaml").write_text("secretsprovider: awskms://alias/x\n", encoding="utf-8")
    assert secrets_environment(project, "dev", tmp_path, FILE, {}) == {}
    assert settings_copy(project, "dev", tmp_path, FILE) is None


def test_a_salt_that_plain_pulumi_wrote_belongs_to_our_passphrase(project, tmp_path):
    (project / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:x:y\n", encoding="utf-8")
    variables = secrets_environment(project, "dev", tmp_path, FILE, {})
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(tmp_path / "passphrase")


def test_the_default_is_known_again_in_a_shell_where_it_has_been_exported(project, tmp_path):
    default = choose_backend(project, tmp_path, {"PULUMI_HOME": str(tmp_path)})
    assert choose_backend(project, tmp_path, {"PULUMI_BACKEND_URL": default.url}) == default


def test_a_backend_that_keeps_secrets_itself_needs_no_passphrase_and_no_copy(project, tmp_path):
    cloud = Backend("https://api.pulumi.com", "pulumi login")
    assert secrets_environment(project, "dev", tmp_path, cloud, {}) == {}
    assert settings_copy(project, "dev", tmp_path, cloud) is None


def test_the_engine_gets_a_fresh_private_copy_of_the_settings(project, tmp_path):
    copy = settings_copy(project, "dev", tmp_path, FILE)
    assert copy is not None
    assert copy.read_text(encoding="utf-8") == "# says why\nconfig: {}\n"
    assert copy.stat().st_mode & 0o077 == 0
    copy.write_text("reformatted: by the engine\n", encoding="utf-8")
    again = settings_copy(project, "dev", tmp_path, FILE)
    assert again == copy
    assert copy.read_text(encoding="utf-8") == "# says why\nconfig: {}\n"


def test_the_salt_that_the_engine_wrote_is_kept_until_the_stack_is_created_again(project, tmp_path):
    copy = settings_copy(project, "dev", tmp_path, FILE)
    assert copy is not None
    copy.write_text("encryptionsalt: v1:a=:b\n", encoding="utf-8")
    for _ in range(2):
        settings_copy(project, "dev", tmp_path, FILE)
        assert copy.read_text(encoding="utf-8") == "# says why\nconfig: {}\nencryptionsalt: v1:a=:b\n"
    forget_salt(project, "dev", tmp_path)
    settings_copy(project, "dev", tmp_path, FILE)
    assert copy.read_text(encoding="utf-8") == "# says why\nconfig: {}\n"


def test_a_salt_in_the_settings_file_wins_over_the_kept_one(project, tmp_path):
    copy = settings_copy(project, "dev", tmp_path, FILE)
    assert copy is not None
    copy.write_text("encryptionsalt: v1:a=:b\n", encoding="utf-8")
    (project / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:x:y\n", encoding="utf-8")
    settings_copy(project, "dev", tmp_path, FILE)
    assert copy.read_text(encoding="utf-8") == "encryptionsalt: v1:x:y\n"


def test_a_private_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_private(path, "first")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    with pytest.raises(OSError, match="power cut"):
        write_private(path, "second")
    assert path.read_text(encoding="utf-8") == "first"


def test_removing_the_state_leaves_that_of_other_checkouts(tmp_path):
    for name in ("one", "two"):
        write_private(tmp_path / "checkouts" / name / "passphrase", "x")
    remove_state(tmp_path / "checkouts" / "one")
    assert [path.name for path in (tmp_path / "checkouts").iterdir()] == ["two"]
    remove_state(tmp_path / "checkouts" / "two")
    assert not (tmp_path / "checkouts").exists()


def test_only_a_file_backend_can_be_seen_to_be_unlocked(tmp_path):
    backend = Backend(f"file://{tmp_path}", "default")
    assert backend.unlocked("dev")
    lock = tmp_path / ".pulumi" / "locks" / "organization" / "mlplatform" / "dev" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}", encoding="utf-8")
    assert not backend.unlocked("dev")
    assert backend.unlocked("prod")
    assert not Backend("s3://states", "Pulumi.yaml").unlocked("prod")

"""What trainings and served models are both refused for."""

import pytest

from components.workloads.serving.validation import INFERENCE_SCHEMES
from components.workloads.validation import check_environment, check_storage_uri


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "MAX_TOKENS", "VLLM_MAX_TOKENS_PER_BATCH", "TOKEN_LIMIT"])
def test_a_variable_about_the_tokens_of_a_text_is_no_credential(name: str) -> None:
    """Each of these was refused as what looks like a credential."""
    assert [*check_environment("e", {name: "4096"})] == []
    assert [*check_environment("e", {f"{name}_SECRET": "4096"})]


def test_a_credential_is_never_shown() -> None:
    (in_environment,) = check_environment("e", {"PASSWORD": "hunter2"})
    assert "hunter2" not in str(in_environment)
    (in_address,) = check_storage_uri("u", "https://me:secret@host/x", ("https",))
    assert "secret" not in in_address.value


@pytest.mark.parametrize(
    ("uri", "is_good"),
    [
        ("s3://models/a", True),
        ("s3://team.models-2/a", True),
        ("s3://Models/a", False),
        ("s3://models_2/a", False),
        ("s3://ab/a", False),
        (f"s3://{'a' * 64}/a", False),
        ("gs://models_2/a", True),
        (f"gs://{'a' * 63}.{'b' * 63}/a", True),
        (f"gs://{'a' * 64}/a", False),
        ("gs://-models/a", False),
        ("pvc://weights", True),
        ("pvc://weights/Llama_3", True),
        ("pvc://Not_A_Claim/x", False),
        ("hf://Org_1/Model", True),
        ("https://account.blob.core.windows.net/Container/a", True),
    ],
)
def test_a_model_lies_in_a_bucket_or_claim_that_can_have_that_name(uri: str, is_good: bool) -> None:
    assert [finding.value for finding in check_storage_uri("storageUri", uri, INFERENCE_SCHEMES)] == (
        [] if is_good else [uri]
    )

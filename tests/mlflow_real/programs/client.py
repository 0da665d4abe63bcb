"""What a training does with a tracking server, and what is found there afterwards: `write` or `read`, as JSON."""

import json
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient

NOTES = "weights of a model\n"


def write() -> dict[str, str]:
    experiment_id = mlflow.create_experiment("fraud")
    with mlflow.start_run(experiment_id=experiment_id) as run, tempfile.TemporaryDirectory() as folder:
        mlflow.log_param("learning_rate", "0.1")
        for step in range(3):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        weights = Path(folder, "weights.txt")
        weights.write_text(NOTES, encoding="utf-8")
        mlflow.log_artifact(str(weights), artifact_path="model")
    client = MlflowClient()
    client.create_registered_model("fraud-model")
    source = f"{run.info.artifact_uri}/model"
    version = client.create_model_version("fraud-model", source, run_id=run.info.run_id)
    client.set_registered_model_alias("fraud-model", "champion", version.version)
    return {"experiment_id": experiment_id, "run_id": run.info.run_id, "artifact_uri": run.info.artifact_uri}


def read() -> dict[str, object]:
    client = MlflowClient()
    experiment = client.get_experiment_by_name("fraud")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    version = client.get_model_version_by_alias("fraud-model", "champion")
    weights = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="model/weights.txt")
    return {
        "param": run.data.params["learning_rate"],
        "losses": [metric.value for metric in client.get_metric_history(run.info.run_id, "loss")],
        "version": str(version.version),
        "version_run": version.run_id,
        "run_id": run.info.run_id,
        "weights": Path(weights).read_text(encoding="utf-8"),
    }


sys.stdout.write(json.dumps({"write": write, "read": read}[sys.argv[1]]()) + "\n")

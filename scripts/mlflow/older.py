"""A client from before MLflow 3 against Socle: `older.py URL EMAIL PASSWORD`. What it calls is not what the newest calls."""

import os
import sys

url, email, password = sys.argv[1:]
os.environ["MLFLOW_TRACKING_USERNAME"] = email
os.environ["MLFLOW_TRACKING_PASSWORD"] = password
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

assert mlflow.__version__.startswith("2."), mlflow.__version__
mlflow.set_tracking_uri(url)
client = MlflowClient()
experiment = mlflow.set_experiment("older")
features = pd.DataFrame(np.random.default_rng(7).normal(size=(60, 3)), columns=["a", "b", "c"])
labels = (features["a"] > 0).astype(int)

mlflow.sklearn.autolog()
with mlflow.start_run(run_name="auto") as auto:
    model = LogisticRegression(max_iter=50).fit(features, labels)
mlflow.sklearn.autolog(disable=True)
found = mlflow.get_run(auto.info.run_id)
assert found.data.params["max_iter"] == "50" and found.data.metrics["training_accuracy_score"] > 0.5
assert "mlflow.log-model.history" in found.data.tags, sorted(found.data.tags)

with mlflow.start_run(run_name="by hand") as run:
    client.log_batch(run.info.run_id, [Metric("m", float(at), at, at) for at in range(100)], [Param("p", "v")], [])
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_table({"x": [1, 2]}, "table.json")
    mlflow.log_input(mlflow.data.from_pandas(features, name="points"), context="training")
    mlflow.sklearn.log_model(
        model, "model", registered_model_name="older", input_example=features[:2], pip_requirements=["scikit-learn"]
    )
assert len(client.get_metric_history(run.info.run_id, "m")) == 100
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt") == "hello"
assert [one.info.run_id for one in client.search_runs([experiment.experiment_id], "params.p = 'v'")] == [run.info.run_id]
assert len(mlflow.search_runs(filter_string="metrics.m >= 99", order_by=["metrics.m DESC"])) == 1

client.set_registered_model_alias("older", "champion", "1")
client.transition_model_version_stage("older", "1", "Staging")
for uri in ["models:/older@champion", "models:/older/1", "models:/older/Staging", f"runs:/{run.info.run_id}/model"]:
    assert mlflow.pyfunc.load_model(uri).predict(features).shape == (60,), uri
assert client.search_model_versions("name = 'older'")[0].run_id == run.info.run_id
assert client.copy_model_version("models:/older@champion", "older-copied").version in (1, "1")


@mlflow.trace(span_type="CHAIN", attributes={"a": 1})
def double(number):
    with mlflow.start_span("inner") as span:
        span.set_inputs({"number": number})
    return number * 2


assert double(4) == 8
traces = client.search_traces([experiment.experiment_id])
assert len(traces) == 1 and len(traces[0].data.spans) == 2, traces
client.set_trace_tag(traces[0].info.request_id, "team", "red")
assert client.get_trace(traces[0].info.request_id).info.tags["team"] == "red"
assert client.delete_traces(experiment.experiment_id, request_ids=[traces[0].info.request_id]) == 1

client.delete_run(auto.info.run_id)
try:
    client.log_param(auto.info.run_id, "late", 1)
    raise AssertionError("a deleted run took a param")
except MlflowException as error:
    assert error.error_code == "INVALID_PARAMETER_VALUE", error
print(f"the MLflow client {mlflow.__version__} is content")

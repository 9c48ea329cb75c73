"""What `socle ml import` took over, read by the MLflow client on both sides: `imported.py URL EMAIL PASSWORD GENUINE_URL`.

Ids of experiments and addresses of artifacts are each server's own; all else must be equal."""

import os
import pathlib
import re
import sys
import tempfile

url, email, password, genuine_url = sys.argv[1:]
os.environ["MLFLOW_TRACKING_USERNAME"] = email
os.environ["MLFLOW_TRACKING_PASSWORD"] = password
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import ViewType  # noqa: E402


def files(client, run_id, folder, path=None):
    for item in client.list_artifacts(run_id, path):
        if item.is_dir:
            yield from files(client, run_id, folder, item.path)
        else:
            with open(client.download_artifacts(run_id, item.path, folder), "rb") as file:
                yield item.path, file.read()


def run_of(client, run, folder):
    info, data = run.info, run.data
    histories = {
        key: [(point.step, point.timestamp, str(point.value)) for point in client.get_metric_history(info.run_id, key)]
        for key in sorted(data.metrics)
    }
    inputs = sorted(
        (used.dataset.name, used.dataset.digest, used.dataset.source, sorted((tag.key, tag.value) for tag in used.tags))
        for used in run.inputs.dataset_inputs
    )
    return {
        "info": (info.run_name, info.user_id, info.status, info.start_time, info.end_time, info.lifecycle_stage),
        "params": data.params,
        "tags": data.tags,
        "latest": {key: str(value) for key, value in data.metrics.items()},
        "histories": histories,
        "inputs": inputs,
        "models": sorted((made.model_id, made.step) for made in run.outputs.model_outputs) if run.outputs else [],
        "files": dict(files(client, info.run_id, folder)),
    }


def trace_of(trace):
    """Where its files would be is each server's own."""
    info = trace.info
    tags = {key: value for key, value in info.tags.items() if key != "mlflow.artifactLocation"}
    judged = sorted((one.assessment_id, one.name, str(one.value), one.valid, one.rationale or "", one.source.source_id or "",
                     str(one.metadata or ""), str(getattr(one, "error", "")), one.create_time_ms) for one in info.assessments)
    spans = [(span.span_id, span.parent_id, span.name, span.span_type, str(span.status), span.start_time_ns, span.end_time_ns,
              str(span.inputs), str(span.outputs), sorted(map(str, span.attributes.items())),
              [(event.name, event.timestamp, sorted(event.attributes.items())) for event in span.events]) for span in trace.data.spans]
    return {"info": (info.request_time, info.execution_duration, str(info.state), info.request_preview, info.response_preview),
            "tags": tags, "metadata": info.trace_metadata, "assessments": judged, "spans": spans}


def logged_of(client, model, folder):
    """Where its files are is each server's own."""
    metrics = sorted((metric.key, str(metric.value), metric.timestamp, metric.step, metric.dataset_name or "", metric.run_id)
                     for metric in model.metrics or [])
    stored = {}
    if str(model.status) == "READY":
        root = mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=folder)
        for path in sorted(pathlib.Path(root).rglob("*")):
            if path.is_file():
                stored[str(path.relative_to(root))] = path.read_bytes()
    return ((model.name, model.source_run_id, str(model.status), model.model_type, model.creation_timestamp), model.params,
            model.tags, metrics, stored)


def version_of(version):
    source = re.sub(r"^.*/([0-9a-f]{32}/artifacts|m-[0-9a-f]{32}/artifacts)", r"\1", version.source)
    return (int(version.version), version.run_id, source, version.description, version.current_stage, version.tags,
            version.creation_timestamp, sorted(version.aliases))


def told(client):
    """Everything, by names."""
    mlflow.set_tracking_uri(client.tracking_uri)
    everything = {}
    with tempfile.TemporaryDirectory() as folder:
        for experiment in client.search_experiments(ViewType.ALL):
            runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
            everything[f"experiment {experiment.name}"] = (
                experiment.tags,
                experiment.lifecycle_stage,
                {run.info.run_id: run_of(client, run, folder) for run in runs},
            )
            for model in client.search_logged_models([experiment.experiment_id]):
                with tempfile.TemporaryDirectory() as own:
                    everything[f"logged model {model.model_id}"] = logged_of(client, model, own)
            for trace in client.search_traces([experiment.experiment_id], max_results=500):
                everything[f"trace {trace.info.trace_id}"] = (trace_of(client.get_trace(trace.info.trace_id)),)
    prompts = client.search_registered_models("tags.`mlflow.prompt.is_prompt` = 'true'")
    for model in [*client.search_registered_models(), *prompts]:
        versions = sorted(version_of(client.get_model_version(model.name, one.version))
                          for one in client.search_model_versions(f"name = '{model.name}'"))
        everything[f"model {model.name}"] = (model.description, model.tags, model.aliases, versions)
    return everything


ours, theirs = told(MlflowClient(url)), told(MlflowClient(genuine_url))
assert sorted(ours) == sorted(theirs), (sorted(ours), sorted(theirs))
for name, there in theirs.items():
    here = ours[name]
    for one, other in zip(here, there, strict=True):
        if isinstance(other, dict):
            assert sorted(one) == sorted(other), (name, one, other)
            for key, value in other.items():
                assert one[key] == value, (name, key, one[key], value)
        else:
            assert one == other, (name, one, other)
runs = [run for name, there in theirs.items() if name.startswith("experiment") for run in there[2].values()]
stored = sum(len(run["files"]) for run in runs)
points = sum(len(history) for run in runs for history in run["histories"].values())
assert runs and stored and points
traces = sum(name.startswith("trace ") for name in theirs)
assert traces
models = [stored for name, (*_, stored) in theirs.items() if name.startswith("logged model ")]
assert any(models)
print(f"imported and equal: {len(theirs) - traces} experiments and models, {traces} traces, {len(runs)} runs, {points} points, {stored} files")

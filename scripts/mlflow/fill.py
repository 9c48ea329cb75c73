"""Things of every kind that an import takes over, logged to a genuine MLflow server: `fill.py GENUINE_URL`."""

import os
import sys

(genuine_url,) = sys.argv[1:]
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
os.environ["MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING"] = "false"

import mlflow  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import AssessmentSource, Metric, SpanEvent  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402

mlflow.set_tracking_uri(genuine_url)
client = MlflowClient()
mlflow.set_experiment("filled")
frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.5]})
dataset = mlflow.data.from_pandas(frame, source="https://example.org/three.csv", name="three", targets="y")
with mlflow.start_run(run_name="whole") as run:
    mlflow.log_input(dataset, context="training", tags={"by": "hand"})
    mlflow.log_params({"p": "é \"quoted\" 'twice'", "empty": ""})
    mlflow.set_tag("mlflow.note.content", "# A note\n\nwith lines")
    values = [1 / 3, float("nan"), float("inf"), -1e-300, 1e16]
    client.log_batch(run.info.run_id, metrics=[Metric("loss", value, 1_000 + at, at) for at, value in enumerate(values)])
    mlflow.log_text("text", "notes/a b+ü%.txt")
    mlflow.log_dict({"a": [1, 2]}, "deep/er/data.json")
    with mlflow.start_run(run_name="within", nested=True):
        mlflow.log_metric("loss", 0.1)
    estimator = LinearRegression().fit(frame[["x"]], frame["y"])
    model = mlflow.sklearn.log_model(
        estimator, name="line", registered_model_name="line", params={"depth": 3}, tags={"kind": "straight"}, pip_requirements=[],
    )
    mlflow.log_metric("score", 2 / 3, model_id=model.model_id, dataset=dataset)
    failed = mlflow.initialize_logged_model(name="broken")
    mlflow.finalize_logged_model(failed.model_id, "FAILED")
mlflow.register_model(model.model_uri, "line", tags={"second": "yes"})
client.update_model_version("line", 2, "the same again")
client.set_registered_model_alias("line", "champion", 2)
client.transition_model_version_stage("line", 1, "Archived")
client.set_registered_model_tag("line", "team", "a")
client.update_registered_model("line", "A line")
mlflow.genai.register_prompt("greet", "Hello {{name}}", tags={"tone": "kind"})
mlflow.genai.register_prompt("greet", [{"role": "user", "content": "Hi {{name}}"}])
mlflow.genai.set_prompt_alias("greet", "live", 1)

gone = client.create_run(client.create_experiment("gone", tags={"why": "a test"}))
client.log_metric(gone.info.run_id, "m", 1)
client.set_terminated(gone.info.run_id, "KILLED")
client.delete_run(gone.info.run_id)
client.delete_experiment(gone.info.experiment_id)


@mlflow.trace(span_type="CHAIN", attributes={"n": 1, "deep": {"list": [1, None, True, 0.5]}, "zero": 0, "nothing": ""})
def outer(question):
    with mlflow.start_span("inner", span_type="CHAT_MODEL") as span:
        span.set_inputs({"question": question})
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
        span.add_event(SpanEvent("said", attributes={"word": "yes", "times": 2}))
        span.set_outputs([question, float("nan")])
    mlflow.update_current_trace(tags={"t": "1"}, metadata={"mlflow.trace.session": "s-1", "mlflow.trace.user": "ada"})
    return question.upper()


@mlflow.trace
def fails():
    raise ValueError("it must")


outer("why?")
try:
    fails()
except ValueError:
    pass
mlflow.flush_trace_async_logging()
source = AssessmentSource(source_type="HUMAN", source_id="ada@example.org")
traces = client.search_traces([run.info.experiment_id])
assert len(traces) == 2, traces
for trace in traces:
    named = {"trace_id": trace.info.trace_id}
    mlflow.log_feedback(**named, name="good", value={"a": [1]}, source=source, rationale="since")
    mlflow.log_feedback(**named, name="hard", error=ValueError("no judge"), metadata={"model": "none"})
    mlflow.log_expectation(**named, name="right", value=["x", 2], metadata={"k": "v"})
    mlflow.log_expectation(**named, name="short", value="x")
client.link_traces_to_run([traces[0].info.trace_id], run.info.run_id)

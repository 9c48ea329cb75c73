"""Malformed calls and limits: `errors.py URL EMAIL PASSWORD GENUINE_URL FILE`.

Each call goes to a genuine MLflow server and to Socle, which must answer with the same status and the same `error_code`.
Where Socle answers otherwise on purpose, the table says how, and why. What breaks a genuine server (500) must not break
Socle. What the genuine server told is kept in FILE.
"""

import json
import sys

from both import Genuine, Server, step

url, email, password, genuine_url, kept = sys.argv[1:]

# One call each: method, path below /api/2.0/mlflow, body or query. After them, where Socle differs: its answer, and the reason.
CALLS = []


def post(path, *bodies):
    CALLS.extend(("POST", path, body, None, None) for body in bodies)


def get(path, *queries):
    CALLS.extend(("GET", path, query, None, None) for query in queries)


def call(method, path, *bodies):
    CALLS.extend((method, path, body, None, None) for body in bodies)


def many(count, **fields):
    return [{"key": f"k{at}", **fields} for at in range(count)]


EXPERIMENT, RUN, MODEL = {"experiment_id": "@exp"}, {"run_id": "@run"}, {"name": "errors-model"}
VERSION = {"name": "errors-model", "version": "1"}
METRIC = {"run_id": "@run", "key": "m", "value": 1, "timestamp": 1}
LONG = "x" * 300

# Experiments.
post(
    "experiments/create", {}, {"name": ""}, {"name": 5}, {"name": ["x"]}, {"name": None}, {"name": "x" * 501}, {"name": "errors"},
    {"name": "errors-gone"}, {"name": "e", "tags": "x"}, {"name": "e", "tags": [{"key": "a/../b", "value": "v"}]},
    {"name": "e", "tags": [{"key": "k" * 251, "value": "v"}]}, {"name": "e", "tags": [{"key": "k", "value": "v" * 20_001}]},
    {"name": "e", "tags": [{"value": "v"}]}, {"name": "e", "tags": [5]}, {"name": "e", "artifact_location": "s3://b/x?a=b#c"},
)
get("experiments/get", {}, {"experiment_id": ""}, {"experiment_id": "999999"}, {"experiment_id": "abc"})
get("experiments/get-by-name", {}, {"experiment_name": "nobody's"})
post("experiments/delete", {}, {"experiment_id": "999999"}, {"experiment_id": "@gone"}, {"experiment_id": 5.5})
post("experiments/restore", {}, {"experiment_id": "999999"}, EXPERIMENT)
post(
    "experiments/update", {}, EXPERIMENT, {**EXPERIMENT, "new_name": "x" * 501}, {"experiment_id": "999999", "new_name": "a"},
    {"experiment_id": "@gone", "new_name": "a"}, {**EXPERIMENT, "new_name": "errors-other"},
)
TAG = {"key": "k", "value": "v"}
post(
    "experiments/set-experiment-tag", {}, EXPERIMENT, {**EXPERIMENT, "key": "a'b", "value": "v"}, {**EXPERIMENT, "key": LONG, "value": "v"},
    {**EXPERIMENT, "key": "k", "value": "v" * 20_001}, {"experiment_id": "999999", **TAG}, {"experiment_id": "@gone", **TAG},
)
post("experiments/delete-experiment-tag", {}, EXPERIMENT, {**EXPERIMENT, "key": "none"}, {"experiment_id": "@gone", "key": "k"})
SOME = {"max_results": 5}
post(
    "experiments/search", {"max_results": 0}, {"max_results": -1}, {"max_results": 50_001}, {"max_results": "x"},
    {**SOME, "filter": "metrics.a > 1"}, {**SOME, "filter": "name = x"}, {**SOME, "filter": 5}, {**SOME, "order_by": ["x"]},
    {**SOME, "order_by": "name"}, {**SOME, "order_by": ["name", "name"]}, {**SOME, "page_token": "!"},
    {**SOME, "view_type": "SOME"},
)

# Runs.
post(
    "runs/create", {"experiment_id": "999999"}, {"experiment_id": "abc"}, {"experiment_id": "@gone"}, {**EXPERIMENT, "start_time": "x"},
    {**EXPERIMENT, "start_time": 1.5}, {**EXPERIMENT, "tags": "x"}, {**EXPERIMENT, "tags": [{"key": LONG, "value": "v"}]},
    {**EXPERIMENT, "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}, {**EXPERIMENT, "run_name": 5},
)
get("runs/get", {}, {"run_id": ""}, {"run_id": "0" * 32}, {"run_id": "none"})
post(
    "runs/update", {}, {"run_id": "0" * 32, "status": "FINISHED"}, {**RUN, "status": "DONE"}, {**RUN, "status": 99},
    {**RUN, "end_time": "x"}, {"run_id": "@dead", "status": "FINISHED"}, {**RUN, "run_name": ["x"]},
)
post("runs/delete", {}, {"run_id": "0" * 32})
post("runs/restore", {}, {"run_id": "0" * 32})
for missing in METRIC:
    post("runs/log-metric", {key: value for key, value in METRIC.items() if key != missing})
post(
    "runs/log-metric", {**METRIC, "key": ""}, {**METRIC, "key": 5}, {**METRIC, "key": "a'b"}, {**METRIC, "key": "a//b"},
    {**METRIC, "key": "/a"}, {**METRIC, "key": ".."}, {**METRIC, "key": "k" * 251}, {**METRIC, "value": "x"}, {**METRIC, "value": None},
    {**METRIC, "value": [1]}, {**METRIC, "value": True}, {**METRIC, "value": "5"}, {**METRIC, "timestamp": -1}, {**METRIC, "timestamp": "x"}, {**METRIC, "timestamp": 1.5},
    {**METRIC, "timestamp": 2**63}, {**METRIC, "step": "x"}, {**METRIC, "step": 2**63}, {**METRIC, "run_id": "0" * 32},
    {**METRIC, "run_id": "@dead"},
)
post(
    "runs/log-parameter", {}, RUN, {**RUN, "value": "v"}, {**RUN, "key": "", "value": "v"}, {**RUN, "key": "p", "value": "other"},
    {**RUN, "key": "a'b", "value": "v"}, {**RUN, "key": "k" * 251, "value": "v"}, {**RUN, "key": "q", "value": 5},
    {"run_id": "0" * 32, **TAG}, {"run_id": "@dead", **TAG},
)
post(
    "runs/set-tag", {}, RUN, {**RUN, "value": "v"}, {**RUN, "key": "a'b", "value": "v"}, {**RUN, "key": "k" * 251, "value": "v"},
    {**RUN, "key": "k", "value": {}}, {"run_id": "0" * 32, **TAG}, {"run_id": "@dead", **TAG},
)
post("runs/delete-tag", {}, RUN, {**RUN, "key": "none"}, {"run_id": "0" * 32, "key": "k"}, {"run_id": "@dead", "key": "k"})
POINT = {"value": 1, "timestamp": 1}
post(
    "runs/log-batch", {}, {"run_id": "0" * 32}, {"run_id": "@dead", "tags": [TAG]}, {**RUN, "metrics": "x"}, {**RUN, "metrics": ["x"]},
    {**RUN, "metrics": [{"key": "a"}]}, {**RUN, "metrics": [{"key": "a", "value": 1}]}, {**RUN, "metrics": [POINT]},
    {**RUN, "metrics": [{"key": "a'b", **POINT}]}, {**RUN, "metrics": [{"key": "k" * 251, **POINT}]},
    {**RUN, "metrics": [{"key": "a", "value": "x", "timestamp": 1}]}, {**RUN, "metrics": [{"key": "a", "value": 1, "timestamp": -1}]},
    {**RUN, "metrics": many(1_001, **POINT)}, {**RUN, "params": many(101, value="v")}, {**RUN, "tags": many(101, value="v")},
    {**RUN, "metrics": many(901, **POINT), "params": many(100, value="v")}, {**RUN, "params": [{"value": "v"}]},
    {**RUN, "params": [{"key": "p", "value": "other"}]}, {**RUN, "params": [{"key": "n", "value": "1"}, {"key": "n", "value": "2"}]},
    {**RUN, "params": [{"key": "n", "value": "1"}, {"key": "n", "value": "1"}]}, {**RUN, "tags": [{"value": "v"}]},
    {**RUN, "params": {"key": "p"}}, {**RUN, "tags": [{"key": "t", "value": "v" * 1_000_000}]},
)
SET = {"name": "n", "digest": "d", "source_type": "local", "source": "s"}
for change in [{"name": ""}, {"digest": ""}, {"name": "n" * 501}, {"digest": "d" * 37}, {"source_type": ""}, {"source": ""},
               {"source": "s" * 65_536}, {"schema": "s" * 1_048_576}]:
    post("runs/log-inputs", {**RUN, "datasets": [{"dataset": {**SET, **change}}]})
post(
    "runs/log-inputs", {}, {**RUN, "datasets": "x"}, {**RUN, "datasets": [{"tags": []}]},
    {**RUN, "datasets": [{"dataset": SET, "tags": [{"key": "k" * 256, "value": "v"}]}]},
    {**RUN, "datasets": [{"dataset": SET, "tags": [{"key": "k", "value": "v" * 501}]}]},
    {**RUN, "datasets": [{"dataset": SET, "tags": [{"key": "", "value": "v"}]}]}, {"run_id": "0" * 32, "datasets": [{"dataset": SET}]},
    {"run_id": "@dead", "datasets": [{"dataset": SET}]},
)
post("runs/outputs", {}, RUN, {**RUN, "models": "x"}, {"run_id": "0" * 32, "models": [{"model_id": "m-1", "step": 0}]})
post("runs/log-model", {}, RUN, {**RUN, "model_json": "x"}, {**RUN, "model_json": "{}"}, {**RUN, "model_json": {"a": 1}})
IN = {"experiment_ids": ["@exp"]}
post(
    "runs/search", {**IN, "max_results": 0}, {**IN, "max_results": -1}, {**IN, "max_results": 50_001}, {**IN, "max_results": "x"},
    {**IN, "page_token": "!"}, {**IN, "page_token": "abc"}, {**IN, "run_view_type": "SOME"}, {"experiment_ids": "@exp"}, {**IN, "filter": 5},
    {**IN, "order_by": ["x"]}, {**IN, "order_by": ["metrics.a", "metrics.a"]}, {**IN, "order_by": ["metrics.a UP"]}, {**IN, "order_by": [5]},
    {**IN, "order_by": "start_time"}, {**IN, "filter": "metrics.a > 'x'"}, {**IN, "filter": "params.a > 1"}, {**IN, "filter": "a = 'b"},
    {**IN, "filter": "tags.a RLIKE 'b'"}, {**IN, "filter": "metrics.a > 1 OR metrics.a < 0"}, {**IN, "filter": "status IN ('RUNNING')"},
)
HISTORY = {"run_id": "@run", "metric_key": "m"}
get(
    "metrics/get-history", {}, RUN, {"metric_key": "m"}, {**HISTORY, "run_id": "0" * 32}, {**HISTORY, "max_results": 0},
    {**HISTORY, "max_results": -1}, {**HISTORY, "max_results": "x"}, {**HISTORY, "max_results": 5, "page_token": "!"},
)
BULK = {"run_ids": ["@run"], "metric_key": "m"}
get(
    "metrics/get-history-bulk-interval", {}, {"metric_key": "m"}, {"run_ids": ["@run"]}, {**BULK, "run_ids": ["@run"] * 101},
    {**BULK, "start_step": 1}, {**BULK, "start_step": 5, "end_step": 1}, {**BULK, "max_results": 0}, {**BULK, "max_results": 2_501},
    {**BULK, "start_step": "x", "end_step": 5}, {**BULK, "run_ids": ["0" * 32]},
)

# Artifacts.
get("artifacts/list", {}, {"run_id": "0" * 32}, {**RUN, "path": "../x"}, {**RUN, "path": "/etc"}, {**RUN, "path": "a/../../.."})
FILES = "/api/2.0/mlflow-artifacts/artifacts"
get(FILES, {"path": "../x"}, {"path": "/etc"}, {"path": "%2e%2e/x"}, {"path": "..%2f..%2fx"})
for path in ["/none.txt", "/%2e%2e/x", "/a/%2e%2e/%2e%2e/x", "/%252e%252e/x", "/c:/x"]:
    get(FILES + path, {})
    call("PUT", FILES + path, *([] if path == "/none.txt" else [b"x"]))
    call("DELETE", FILES + path, None)

# Logged models.
post(
    "logged-models", {}, {"experiment_id": "999999"}, {"experiment_id": "@gone"}, {**EXPERIMENT, "name": "a/b"}, {**EXPERIMENT, "name": "a:b"},
    {**EXPERIMENT, "params": "x"}, {**EXPERIMENT, "tags": "x"}, {**EXPERIMENT, "name": "x" * 500}, {**EXPERIMENT, "name": "x" * 501},
)
get("logged-models/m-none", {})
call("PATCH", "logged-models/m-none", {"model_id": "m-none", "status": "LOGGED_MODEL_READY"}, {})
call("PATCH", "logged-models/@logged", {}, {"status": "GOOD"}, {"status": 5})
call("PATCH", "logged-models/m-none/tags", {"tags": [TAG]})
call("PATCH", "logged-models/@logged/tags", {"tags": "x"}, {"tags": [{"key": LONG, "value": "v"}]})
call("DELETE", "logged-models/m-none", None)
call("DELETE", "logged-models/m-none/tags/k", None)
call("DELETE", "logged-models/@logged/tags/none", None)
get("logged-models/m-none/artifacts/directories", {})
post(
    "logged-models/search", {}, {**IN, "filter": "x"}, {**IN, "filter": "metric.a > 1"}, {**IN, "filter": "metrics.a > 'x'"},
    {**IN, "order_by": [{}]}, {**IN, "order_by": [{"field_name": "x"}]}, {**IN, "order_by": ["name"]}, {**IN, "page_token": "!"},
    {**IN, "datasets": [{"dataset_digest": "d"}]}, {**IN, "max_results": -1}, {**IN, "max_results": 0}, {**IN, "max_results": "x"},
)

# The registry.
post(
    "registered-models/create", {}, {"name": ""}, {"name": "  "}, {"name": 5}, MODEL, {"name": "a/b"}, {"name": "a:b"}, {"name": "x" * 257},
    {"name": "n", "tags": "x"}, {"name": "n", "tags": [{"key": LONG, "value": "v"}]}, {"name": "n", "tags": [{"key": "k", "value": "v" * 100_001}]},
    {"name": "n", "tags": [{"key": "a'b", "value": "v"}]},
)
get("registered-models/get", {}, {"name": ""}, {"name": "none"})
post(
    "registered-models/rename", {}, MODEL, {**MODEL, "new_name": ""}, {**MODEL, "new_name": "a/b"}, {**MODEL, "new_name": "errors-model-2"},
    {"name": "none", "new_name": "n"},
)
call("PATCH", "registered-models/update", {}, {"name": "none", "description": "d"}, {**MODEL, "description": 5})
call("DELETE", "registered-models/delete", {}, {"name": "none"})
get(
    "registered-models/search", {"max_results": 0}, {"max_results": -1}, {"max_results": 1_001}, {"max_results": "x"}, {"filter": "name > 'x'"},
    {"filter": "x = 'y'"}, {"filter": "name = y"}, {"filter": "tags.a > 'x'"}, {"filter": "name = 'x' OR name = 'y'"}, {"order_by": "x"},
    {"order_by": "name UP"}, {"order_by": "attribute.name"}, {"order_by": ["name", "name DESC"]}, {"page_token": "!"},
)
post("registered-models/get-latest-versions", {}, {"name": "none"}, {**MODEL, "stages": ["Best"]}, {**MODEL, "stages": "Staging"})
post(
    "registered-models/set-tag", {}, MODEL, {**MODEL, "key": LONG, "value": "v"}, {**MODEL, "key": "k", "value": "v" * 100_001},
    {"name": "none", **TAG},
)
call("DELETE", "registered-models/delete-tag", {}, MODEL, {"name": "none", "key": "k"}, {**MODEL, "key": "none"})
ALIAS = {**VERSION, "alias": "a"}
post(
    "registered-models/alias", {}, MODEL, {**MODEL, "alias": "a"}, VERSION, {**ALIAS, "version": "99"}, {**ALIAS, "version": "x"},
    {**ALIAS, "version": "0"}, {**ALIAS, "alias": "latest"}, {**ALIAS, "alias": "LATEST"}, {**ALIAS, "alias": "v1"}, {**ALIAS, "alias": "a b"},
    {**ALIAS, "alias": "a/b"}, {**ALIAS, "alias": "a" * 256}, {**ALIAS, "alias": ""}, {**ALIAS, "name": "none"}, {**ALIAS, "alias": 5},
)
get("registered-models/alias", {}, MODEL, {**MODEL, "alias": "none"}, {"name": "none", "alias": "a"}, {**MODEL, "alias": "a b"})
call("DELETE", "registered-models/alias", {}, MODEL, {**MODEL, "alias": "none"}, {"name": "none", "alias": "a"})
SOURCE = {"source": "runs:/@run/model", "run_id": "@run"}
post(
    "model-versions/create", {}, MODEL, {"source": "x"}, {"name": "none", **SOURCE}, {**MODEL, "source": "/tmp/x"}, {**MODEL, "source": "x/y"},
    {**MODEL, "source": "file:///tmp/x"}, {**MODEL, "source": "../x"}, {**MODEL, "source": "mlflow-artifacts:/../x"},
    {**MODEL, "source": "mlflow-artifacts:/%2e%2e/x"}, {**MODEL, "source": "http://a/../b"}, {**MODEL, "source": "runs:/none/model"},
    {**MODEL, **SOURCE, "tags": [{"key": LONG, "value": "v"}]}, {**MODEL, **SOURCE, "tags": "x"}, {**MODEL, "source": 5},
    {**MODEL, "source": "models:/none/1"}, {**MODEL, "source": "models:/m-none"}, {**MODEL, "source": "runs:/none"},
    {**MODEL, "source": "runs:/@run/model", "run_id": "0" * 32}, {**MODEL, "source": "mlflow-artifacts:/1/x", "run_id": "@run"},
)
NONE = {"name": "errors-model", "version": "99"}
get("model-versions/get", {}, MODEL, NONE, {**NONE, "version": "x"}, {**NONE, "version": "0"}, {**NONE, "name": "none"})
get("model-versions/get-download-uri", {}, MODEL, NONE)
call("PATCH", "model-versions/update", {}, MODEL, {**NONE, "description": "d"}, {**VERSION, "description": 5})
post(
    "model-versions/transition-stage", {}, VERSION, {**VERSION, "stage": "Best"}, {**VERSION, "stage": ""}, {**NONE, "stage": "Staging"},
    {**VERSION, "stage": "Staging", "archive_existing_versions": "x"}, {**VERSION, "stage": "None", "archive_existing_versions": True},
)
call("DELETE", "model-versions/delete", {}, MODEL, NONE, {**NONE, "version": "x"})
post(
    "model-versions/set-tag", {}, VERSION, {**VERSION, "key": LONG, "value": "v"}, {**VERSION, "key": "k", "value": "v" * 100_001}, {**NONE, **TAG},
)
call("DELETE", "model-versions/delete-tag", {}, VERSION, {**NONE, "key": "k"}, {**VERSION, "key": "none"})
get(
    "model-versions/search", {"max_results": 200_001}, {"max_results": 0}, {"max_results": -1}, {"max_results": "x"}, {"filter": "x = 'y'"},
    {"filter": "name > 'x'"}, {"filter": "version_number = 'x'"}, {"filter": "run_id IN ()"}, {"filter": "run_id IN (1)"}, {"order_by": "x"},
    {"order_by": "timestamp"}, {"order_by": "attribute.version_number DESC"}, {"order_by": ["name", "name"]}, {"page_token": "!"},
)

# Traces.
V3 = "/api/3.0/mlflow/traces"
PLACE = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "@exp"}}
AT = {"locations": [PLACE]}
post(f"{V3}/search", {**AT, "max_results": 501}, {**AT, "max_results": 0}, {**AT, "max_results": -1}, {**AT, "filter": "metrics.a > 1"},
     {**AT, "filter": "name = x"}, {**AT, "filter": "timestamp_ms RLIKE '1'"}, {**AT, "filter": "trace.text = 'x'"}, {**AT, "filter": "span.x = 'y'"},
     {**AT, "order_by": ["x"]}, {**AT, "order_by": ["name", "name"]}, {**AT, "order_by": ["last_updated_timestamp"]}, {**AT, "page_token": "!"})
get(f"{V3}/tr-none", {})
get(f"{V3}/get", {}, {"trace_id": "tr-none"})
call("PATCH", f"{V3}/@trace/tags", {}, {"key": LONG, "value": "v"})
call("PATCH", f"{V3}/tr-none/tags", TAG)
call("DELETE", f"{V3}/@trace/tags", {}, {"key": "none"})
post(f"{V3}/delete-traces", {}, EXPERIMENT, {**EXPERIMENT, "request_ids": ["tr-none"], "max_traces": 5}, {**EXPERIMENT, "max_traces": 5},
     {**EXPERIMENT, "max_timestamp_millis": 5, "max_traces": 0})
post(f"{V3}/@trace/assessments", {}, {"assessment": {}})
post(f"{V3}/tr-none/assessments", {"assessment": {"assessment_name": "a", "feedback": {"value": 1}}})
get(f"{V3}/@trace/assessments/none", {})
call("DELETE", f"{V3}/@trace/assessments/none", None)
post("traces/link-to-run", {}, {"trace_ids": ["@trace"]}, {"run_id": "@run"}, {**RUN, "trace_ids": []}, {**RUN, "trace_ids": [f"tr-{at}" for at in range(101)]})

# Where Socle differs on purpose: path, what of the body tells the call, its answer, the reason.
REFUSED, MISSING = (400, "INVALID_PARAMETER_VALUE"), (404, "RESOURCE_DOES_NOT_EXIST")
ZERO = "what cannot be read is refused; a genuine server keeps 0 in its place"
LOST = "what cannot be read is refused; a genuine server passes over it, and nobody hears of it"
LIMIT = "a genuine server's own limit, which SQLite does not hold: on PostgreSQL it fails with the database's words"
ENDLESS = "a genuine server answers with no rows and the token of a next page, for ever"
WORDS = "a genuine server tells the database's words"
DIFFERENT = [
    ("experiments/update", "errors-other", (400, "RESOURCE_ALREADY_EXISTS"), WORDS), (f"{V3}/tr-none/tags", "", MISSING, WORDS),
    ("runs/create", '"start_time": 1.5', REFUSED, ZERO), ("runs/log-metric", '"timestamp": 1.5', REFUSED, ZERO),
    ("runs/log-metric", "9223372036854775808", REFUSED, ZERO), ("runs/log-batch", '"value": "x"', REFUSED, ZERO),
    ("runs/create", '"tags": "x"', REFUSED, LOST), ("runs/update", '"DONE"', REFUSED, LOST), ("experiments/search", '"SOME"', REFUSED, LOST),
    ("runs/search", '"run_view_type": "SOME"', REFUSED, LOST), ("metrics/get-history", '"max_results": "x"', REFUSED, LOST),
    ("runs/create", '{"key": "xxx', REFUSED, LIMIT), ("logged-models/@logged/tags", "xxx", REFUSED, LIMIT),
    ("logged-models", "x" * 501, REFUSED, LIMIT), ("registered-models/create", '{"name": "' + "x" * 257, REFUSED, LIMIT),
    ("logged-models/search", '"max_results": -1', REFUSED, ENDLESS), ("registered-models/search", '"max_results": 0', REFUSED, ENDLESS),
    ("registered-models/search", '"max_results": -1', REFUSED, ENDLESS),
]
for place, told, here, why in DIFFERENT:
    found = [at for at, (_, path, body, *_) in enumerate(CALLS) if path == place and told in json.dumps(body, default=str)]
    assert found, (place, told[:60])
    for at in found:
        CALLS[at] = (*CALLS[at][:3], here, why)


def fill(server):
    """What the calls speak of. Gives the ids."""
    make = lambda name: server.must("POST", "experiments/create", {"name": name})["experiment_id"]  # noqa: E731
    ids = {"exp": make("errors"), "gone": make("errors-gone")}
    make("errors-other")
    server.must("POST", "experiments/delete", {"experiment_id": ids["gone"]})
    for name in ["run", "dead"]:
        made = server.must("POST", "runs/create", {"experiment_id": ids["exp"]})
        ids[name] = made["run"]["info"]["run_id"]
    server.must("POST", "runs/log-parameter", {"run_id": ids["run"], "key": "p", "value": "1"})
    server.must("POST", "runs/log-metric", {"run_id": ids["run"], "key": "m", "value": 1, "timestamp": 1})
    server.must("POST", "runs/delete", {"run_id": ids["dead"]})
    for name in ["errors-model", "errors-model-2"]:
        server.must("POST", "registered-models/create", {"name": name})
    source = {"source": f"runs:/{ids['run']}/model", "run_id": ids["run"]}
    server.must("POST", "model-versions/create", {"name": "errors-model", **source})
    made = server.must("POST", "logged-models", {"experiment_id": ids["exp"]})
    ids["logged"] = made["model"]["info"]["model_id"]
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": ids["exp"]}}
    info = {"trace_id": "tr-" + "e" * 32, "trace_location": place, "request_time": "2026-01-01T00:00:00Z", "state": "OK"}
    made = server.must("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}})
    ids["trace"] = made["trace"]["trace_info"]["trace_id"]
    return ids


def with_ids(value, ids):
    """The same with what stands for ids replaced by them."""
    if isinstance(value, str):
        for name, own in ids.items():
            value = value.replace(f"@{name}", own)
        return value
    if isinstance(value, list):
        return [with_ids(one, ids) for one in value]
    if isinstance(value, dict):
        return {key: with_ids(one, ids) for key, one in value.items()}
    return value


def told(server):
    """Status, code and message of each call."""
    ids = fill(server)
    answers = []
    for method, path, body, *_ in CALLS:
        status, text = server.send(method, with_ids(path, ids), with_ids(body, ids))
        try:
            parsed = json.loads(text)
            code, message = parsed.get("error_code"), parsed.get("message", "")
        except (ValueError, AttributeError):
            code, message = None, ""
        answers.append((status, code, message))
    return answers


theirs = Genuine(kept).of("errors", lambda: told(Server(genuine_url)))
step(f"a genuine server answered {len(CALLS)} calls")
ours = told(Server(url, email, password))
faults, broken = [], 0
for (method, path, body, here, why), mine, other in zip(CALLS, ours, theirs, strict=True):
    shown = json.dumps(body, default=str)[:160]
    expected = here or other[:2]
    # What breaks a genuine server need not break this one.
    if other[0] >= 500 and not here:
        broken += 1
        if mine[0] >= 500:
            faults.append(f"{method} {path} {shown}\n    breaks both: {mine[0]} {mine[1]}: {mine[2][:200]}")
    elif mine[:2] != tuple(expected):
        faults.append(f"{method} {path} {shown}\n    here  {mine[0]} {mine[1]}: {mine[2][:200]}\n    there {other[0]} {other[1]}: {other[2][:200]}")
    elif here and tuple(here) == other[:2]:
        faults.append(f"{method} {path} {shown}\n    is alike by now, and yet said to differ: {why}")
if faults:
    print("\n".join(faults))
    raise SystemExit(f"{len(faults)} of {len(CALLS)} calls are answered otherwise")
refused = sum(status >= 400 for status, _, _ in ours)
otherwise_count = sum(here is not None for *_, here, _ in CALLS)
step(f"{len(CALLS)} calls were answered alike, {refused} of them refused, {otherwise_count} otherwise on purpose; {broken} break a genuine server")

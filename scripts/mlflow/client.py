"""The unmodified MLflow client against Socle: `client.py URL EMAIL PASSWORD GENUINE_URL FILE`.

First the life of a model, as people write it. Then the same runs are logged here and to a genuine MLflow server, and a
table of filters and orders must find the same runs in the same order on both, page by page. What the genuine server
answered is kept in FILE: it is asked in the first run only, the second compares with that.
"""

import os
import pickle
import sys
import tempfile
import time
import urllib.request

url, email, password, genuine_url, kept = sys.argv[1:]
os.environ["MLFLOW_TRACKING_USERNAME"] = email
os.environ["MLFLOW_TRACKING_PASSWORD"] = password
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
os.environ["MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING"] = "false"

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402


def step(name):
    print(f"{time.monotonic() - begin:6.1f} s  {name}", flush=True)


def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, str(error))
        return str(error)
    raise AssertionError(f"{code} was expected")


genuine = {}


def of_genuine(name, ask):
    """What `ask` finds with a client of the genuine server, now or when these scripts ran first."""
    if name not in genuine:
        while True:
            try:
                urllib.request.urlopen(f"{genuine_url}/health", timeout=30).close()
                break
            except OSError:
                assert time.monotonic() - begin < 120, "the genuine MLflow server did not come up"
                time.sleep(0.2)
        genuine[name] = ask(MlflowClient(genuine_url))
        with open(kept, "wb") as file:
            pickle.dump(genuine, file)
    return genuine[name]


def life():
    """set_experiment, autolog, nested runs, batches, artifacts, models, registry, loading, deletion."""
    from sklearn.linear_model import LogisticRegression

    client = MlflowClient()
    experiment = mlflow.set_experiment("iris")
    assert experiment.experiment_id != "0"
    features = pd.DataFrame(np.random.default_rng(7).normal(size=(60, 3)), columns=["a", "b", "c"])
    labels = (features["a"] > 0).astype(int)

    mlflow.sklearn.autolog(log_input_examples=True)
    with mlflow.start_run(run_name="auto") as auto:
        LogisticRegression(max_iter=50).fit(features, labels)
    mlflow.sklearn.autolog(disable=True)
    found = mlflow.get_run(auto.info.run_id)
    assert found.info.status == "FINISHED" and found.data.params["max_iter"] == "50", found.data.params
    assert found.data.metrics["training_accuracy_score"] > 0.5
    assert found.inputs.dataset_inputs[0].tags[0].value == "train"
    assert found.outputs.model_outputs, "the model that autolog logged is an output of its run"
    step("autolog")

    with mlflow.start_run(run_name="parent") as parent:
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_param("depth", 3)
        for epoch in range(20):
            mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
        mlflow.log_metrics({"a": 1.0, "b": float("nan")}, step=1)
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "notes/a.json")
        mlflow.log_table({"x": [1, 2], "y": ["p", "q"]}, "table.json")
        mlflow.log_input(mlflow.data.from_pandas(features, name="points"), context="training")
        info = mlflow.sklearn.log_model(
            LogisticRegression().fit(features, labels), name="model", input_example=features[:2],
            registered_model_name="sorter", pip_requirements=["scikit-learn"],
        )
    children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert list(children["run_id"]) == [child.info.run_id]
    history = client.get_metric_history(parent.info.run_id, "loss")
    assert [point.value for point in history] == [1 / (epoch + 1) for epoch in range(20)]
    assert np.isnan(mlflow.get_run(parent.info.run_id).data.metrics["b"])
    names = sorted(item.path for item in client.list_artifacts(parent.info.run_id, "notes"))
    assert names == ["notes/a.json", "notes/hello.txt"], names
    assert mlflow.artifacts.load_text(f"runs:/{parent.info.run_id}/notes/hello.txt") == "hello"
    assert len(mlflow.load_table("table.json", run_ids=[parent.info.run_id])) == 2
    message = refused("INVALID_PARAMETER_VALUE", client.log_param, child.info.run_id, "depth", 4)
    assert "was already logged with value='3'" in message, message
    step("nested runs, artifacts, log_model")

    size = 110 * 1024 * 1024
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "large.bin")
        with open(path, "wb") as file:
            file.write(os.urandom(1024 * 1024) * (size // (1024 * 1024)))
        client.log_artifact(parent.info.run_id, path)
        down = client.download_artifacts(parent.info.run_id, "large.bin", folder + "/down") if os.makedirs(
            folder + "/down") is None else ""
        with open(path, "rb") as one, open(down, "rb") as other:
            while True:
                piece = one.read(1 << 20)
                assert piece == other.read(1 << 20)
                if not piece:
                    break
        os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(1 << 20)
        os.environ["MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE"] = str(1 << 20)
        client.log_artifact(parent.info.run_id, path, "in parts")
        os.makedirs(folder + "/again")
        again = client.download_artifacts(parent.info.run_id, "in parts/large.bin", folder + "/again")
        with open(path, "rb") as one, open(again, "rb") as other:
            while piece := one.read(1 << 20):
                assert piece == other.read(1 << 20)
            assert not other.read(1)
    step("an artifact of 110 MiB up and down, as a whole and in parts")

    batch = [Metric(f"m{at % 10}", float(at), 1000 + at, at // 10) for at in range(800)]
    client.log_batch(child.info.run_id, batch, [Param("p", "v")], [RunTag("t", "w")])
    refused("INVALID_PARAMETER_VALUE", client.log_batch, child.info.run_id, [], [Param("p", "other")], [])
    assert len(client.get_metric_history(child.info.run_id, "m3")) == 80

    version = client.get_model_version("sorter", "1")
    assert version.run_id == parent.info.run_id, version
    client.set_registered_model_alias("sorter", "champion", 1)
    client.transition_model_version_stage("sorter", 1, "Production", archive_existing_versions=True)
    assert client.get_latest_versions("sorter", ["Production"])[0].version in (1, "1")
    for uri in ["models:/sorter@champion", "models:/sorter/1", "models:/sorter/Production", info.model_uri,
                "models:/sorter/latest"]:
        predicted = mlflow.pyfunc.load_model(uri).predict(features)
        assert len(predicted) == 60, uri
    assert [model.name for model in client.search_registered_models("name LIKE 'sort%'")] == ["sorter"]
    assert [found.version for found in client.search_model_versions("name = 'sorter'")] in ([1], ["1"])
    copied = client.copy_model_version("models:/sorter@champion", "copied")
    assert mlflow.pyfunc.load_model(f"models:/copied/{copied.version}").predict(features).shape == (60,)
    logged = mlflow.search_logged_models(experiment_ids=[experiment.experiment_id], output_format="list")
    assert {model.model_id for model in logged} >= {info.model_id}
    assert mlflow.get_logged_model(info.model_id).status.value == "READY"
    client.set_logged_model_tags(info.model_id, {"stage": "tried"})
    assert mlflow.get_logged_model(info.model_id).tags["stage"] == "tried"
    client.delete_registered_model_alias("sorter", "champion")
    refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "sorter", "champion")
    step("registry, aliases, stages, loading")

    client.delete_run(child.info.run_id)
    ids = [experiment.experiment_id]
    assert child.info.run_id not in [run.info.run_id for run in client.search_runs(ids)]
    deleted = client.search_runs(ids, run_view_type=ViewType.DELETED_ONLY)
    assert [run.info.run_id for run in deleted] == [child.info.run_id]
    client.restore_run(child.info.run_id)
    client.delete_experiment(experiment.experiment_id)
    refused("INVALID_PARAMETER_VALUE", client.create_run, experiment.experiment_id)
    client.restore_experiment(experiment.experiment_id)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)
    client.delete_registered_model("copied")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "copied")
    prompt = mlflow.genai.register_prompt(name="greeting", template="Hello {{name}}")
    assert mlflow.genai.load_prompt(f"prompts:/greeting/{prompt.version}").format(name="Ada") == "Hello Ada"
    step("deletion, restoring, a prompt")

    hook = client.create_webhook("told", "https://hooks.invalid/mlflow", ["registered_model.created", "prompt_alias.deleted"], "d", "secret")
    assert [str(event) for event in client.get_webhook(hook.webhook_id).events] == ["registered_model.created", "prompt_alias.deleted"]
    assert [one.webhook_id for one in client.list_webhooks()] == [hook.webhook_id]
    tried = client.test_webhook(hook.webhook_id, "model_version_tag.set")
    assert not tried.success and tried.error_message, tried
    changed = client.update_webhook(hook.webhook_id, description="other", status="DISABLED")
    assert (changed.description, changed.status.value, len(changed.events)) == ("other", "DISABLED", 2), changed
    refused("INVALID_PARAMETER_VALUE", client.update_webhook, hook.webhook_id, url="https://127.0.0.1/")
    client.delete_webhook(hook.webhook_id)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_webhook, hook.webhook_id)
    step("webhooks")


def told_of_traces(client):
    """Traces by the decorator, with an error, within a run, searched, tagged, judged. Gives what was found, by names."""
    mlflow.set_tracking_uri(client.tracking_uri)
    experiment = mlflow.set_experiment("traced")

    @mlflow.trace(span_type="CHAIN", attributes={"a": 1})
    def ask(question):
        with mlflow.start_span("look up", span_type="RETRIEVER") as span:
            span.set_inputs({"question": question})
            span.set_outputs([1, float("nan"), {"deep": None}])
            span.set_attribute("tries", 3)
        mlflow.update_current_trace(tags={"question": question}, metadata={"kind": "test"})
        return question.upper()

    @mlflow.trace(name="break")
    def fail():
        raise ValueError("no answer")

    for question in ["one", "two", "Zwölf"]:
        ask(question)
        time.sleep(0.005)  # the order of those that began in one millisecond is random
    try:
        fail()
    except ValueError:
        time.sleep(0.005)
    with mlflow.start_run() as run:
        ask("within")
    mlflow.flush_trace_async_logging()
    names = {}
    for trace in mlflow.search_traces(return_type="list"):
        names[trace.info.trace_id] = trace.info.tags.get("question", "break")
        assert len(trace.data.spans) == (1 if names[trace.info.trace_id] == "break" else 2), trace
    by_name = {name: trace_id for trace_id, name in names.items()}
    one = by_name["one"]
    span = mlflow.get_trace(one).data.spans[1]
    assert span.inputs == {"question": "one"} and span.get_attribute("tries") == 3, span
    client.set_trace_tag(one, "team", "red")
    feedback = mlflow.log_feedback(trace_id=one, name="good", value=True, rationale="it is")
    mlflow.log_feedback(trace_id=by_name["two"], name="good", value=0.25)
    wanted = mlflow.log_expectation(trace_id=one, name="answer", value={"text": "ONE"})
    mlflow.update_assessment(one, feedback.assessment_id, mlflow.entities.Feedback(name="good", value=False))
    assert mlflow.get_assessment(one, feedback.assessment_id).value is False
    assert mlflow.get_assessment(one, wanted.assessment_id).value == {"text": "ONE"}
    mlflow.override_feedback(trace_id=one, assessment_id=feedback.assessment_id, value="fine")
    mlflow.delete_assessment(one, wanted.assessment_id)
    assert sorted(str(one.valid) for one in mlflow.get_trace(one).info.assessments) == ["False", "True"]
    prompt = mlflow.genai.register_prompt(name="asked", template="{{question}}?")
    client.link_prompt_versions_to_trace([prompt], by_name["two"])
    answers = []
    for text, order in [
        ("", []), ("", ["timestamp_ms ASC"]), ("status = 'ERROR'", []), ("status != 'ERROR'", ["timestamp ASC"]),
        ("tags.team = 'red'", []), ("tags.question LIKE 't%'", []), ("tags.question ILIKE 'ZW%'", []), ("tag.question IS NULL", []),
        ("metadata.kind = 'test' AND tags.question != 'one'", []), ("request_metadata.kind IS NULL", []), ("name = 'ask'", []),
        ("trace.status IN ('ERROR', 'x')", []), ("span.name = 'look up'", ["timestamp ASC"]), ("span.type = 'RETRIEVER'", []),
        ("span.status = 'ERROR'", []), ("span.attributes.tries LIKE '%3%'", []), ("trace.text LIKE '%Zwölf%'", []),
        ("execution_time_ms >= 0", []), ("timestamp_ms > 0 AND status = 'OK'", []), ("feedback.good = 'fine'", []),
        ("tags.question RLIKE '^t'", []), ("metadata.kind RLIKE 'es'", ["timestamp ASC"]), ("span.name RLIKE '^look.up$'", []),
        ("name RLIKE 'ASK'", []), ("trace.status RLIKE 'ERR|X'", []), ("tags.question RLIKE '[A-Z]'", []),
        ("span.attributes.`mlflow.spanType` RLIKE '^RET'", []), ("feedback.good RLIKE 'in'", []),
        ("feedback.good < 0.5", []), ("feedback.good IS NULL", []), ("expectation.answer IS NOT NULL", []),
    ]:
        listed = mlflow.search_traces(filter_string=text, order_by=order, max_results=100, return_type="list")
        answers.append((text, order, [names[trace.info.trace_id] for trace in listed]))
    listed = mlflow.search_traces(run_id=run.info.run_id, return_type="list")
    answers.append(("of the run", [], [names[trace.info.trace_id] for trace in listed]))
    assert client.delete_traces(experiment.experiment_id, trace_ids=[by_name["break"]]) == 1
    answers.append(("left", [], len(mlflow.search_traces(return_type="list"))))
    return answers


def traces():
    """The same on both servers."""
    theirs = of_genuine("traces", told_of_traces)
    ours = told_of_traces(MlflowClient(url))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs):
        assert one == other, f"here {one}, there {other}"
    step(f"traces, and {len(ours)} searches of them found the same")


OPTIMIZERS = ["adam", "sgd", "SGD", "rmsprop", "a%b", "x_y"]


def fill(client):
    """60 runs with every kind of absence. Gives the experiment's id, and names by ids."""
    experiment = client.create_experiment("table")
    names = {}
    for at in range(60):
        run = client.create_run(experiment, start_time=1_000_000 + at // 3, run_name=f"run-{at:02}")
        names[run.info.run_id] = run.info.run_name
        metrics, params, tags = [], [], []
        if at % 7:
            metrics.append(Metric("loss", float("nan") if at % 11 == 0 else (at * 37 % 20) / 10, 5, 0))
        if at % 5 == 0:
            metrics.append(Metric("val/acc", float("inf") if at % 3 == 0 else -at / 7, 5, at))
        metrics.append(Metric("my metric", at % 4, 9, 3))
        metrics.append(Metric("my metric", at % 9, 3, 4))
        if at % 4:
            params.append(Param("opt", OPTIMIZERS[at % len(OPTIMIZERS)]))
        params.append(Param("lr", str(at % 3 / 10)))
        if at % 6 == 1:
            tags.append(RunTag("team", "red" if at % 4 else "Blue team"))
        client.log_batch(run.info.run_id, metrics, params, tags)
        if at % 3 == 0:
            dataset = mlflow.entities.Dataset(f"data-{at % 2}", f"d{at % 4}", "local", "{}")
            context = mlflow.entities.InputTag("mlflow.data.context", "train" if at % 2 else "test")
            client.log_inputs(run.info.run_id, [mlflow.entities.DatasetInput(dataset, [context])])
        if at % 2:
            status = "FINISHED" if at % 4 == 1 else "FAILED"
            client.set_terminated(run.info.run_id, status, end_time=2_000_000 + at % 5)
        if at < 3:
            client.log_text(run.info.run_id, "ä" * at, f"notes/{at} %41#+.txt")
        if at % 13 == 12:
            client.delete_run(run.info.run_id)
    client.create_registered_model("from-table", {"team": "red"}, "what the table gave")
    for run_id in list(names)[:3]:
        client.create_model_version("from-table", f"runs:/{run_id}/notes", run_id, tags={"run": names[run_id]}, description="a")
    client.set_registered_model_alias("from-table", "best", "2")
    client.transition_model_version_stage("from-table", "3", "Staging")
    client.delete_model_version("from-table", "1")
    return experiment, names


FILTERS = [
    "", "metrics.loss > 1", "metrics.loss >= 1.0", "metrics.loss < 1", "metrics.loss <= 0.1", "metrics.loss = 0.5",
    "metrics.loss != 0.5", "metric.loss > -1e3", "metrics.`val/acc` > 0", 'metrics."val/acc" < 0', "metrics.`my metric` = 3",
    "metrics.`my metric` > 2 AND metrics.loss < 1.5", "metrics.none > 0", "params.opt = 'adam'", "params.opt != 'adam'",
    "params.opt LIKE 'SG%'", "params.opt ILIKE 'sg%'", "params.opt LIKE 'a%b'", "params.opt LIKE 'x_y'", "params.opt LIKE '%'",
    "params.opt LIKE ''", "param.opt = \"sgd\"", "parameters.lr = '0.1'", "params.lr ILIKE '0._'", "params.opt IS NULL",
    "params.opt IS NOT NULL AND params.lr = '0.0'", "tags.team = 'red'", "tags.team != 'red'", "tags.team ILIKE '%TEAM'",
    "tag.team IS NULL", "tags.team IS NOT NULL", "tags.`mlflow.runName` = 'run-07'", "tags.mlflow.runName LIKE 'run-1%'",
    "attributes.status = 'FINISHED'", "status != 'RUNNING'", "attribute.status LIKE 'F%'", "start_time > 1000010",
    "attributes.start_time <= 1000003", "end_time > 2000002", "end_time = 2000001", "created > 1000015",
    "attributes.`run name` = 'run-03'", "run_name LIKE 'run-_5'", "run_name ILIKE 'RUN-2%'", "attributes.artifact_uri LIKE '%a%'",
    "user_id = 'nobody'", "dataset.name = 'data-1'", "datasets.digest LIKE 'd%'", "dataset.context = 'test'",
    "dataset.name IN ('data-0', 'x')", "dataset.digest NOT IN ('d0')",
    "metrics.loss > 0.3 AND params.opt != 'sgd' AND tags.team IS NULL AND status = 'FAILED'",
]
ORDERS = [
    [], ["metrics.loss"], ["metrics.loss DESC"], ["metrics.`val/acc` ASC"], ["metrics.`val/acc` DESC"], ["params.opt"],
    ["params.opt DESC", "metrics.loss"], ["tags.team"], ["tags.team DESC", "attributes.start_time ASC"], ["start_time ASC"],
    ["attributes.end_time DESC"], ["end_time", "start_time"], ["metrics.`my metric`", "params.lr DESC", "metrics.loss DESC"],
    ["status", "metrics.loss"], ["run_name DESC"], ["metrics.none DESC", "params.opt"], ["user_id", "run_name"],
]
BROKEN = [
    "metrics.loss > 'x'", "params.opt = 1", "params.opt > 'x'", "metrics.loss LIKE 'x'", "model.x = 1", "attributes.x = 'y'",
    "metrics.loss > 1 OR metrics.loss < 0", "(metrics.loss > 1)", "metrics.loss == 1", "status IN ('a')", "run_id IN ()",
    "metrics.loss IS NULL", "metrics.loss >", "dataset.x = 'y'", "params.opt = 'a", "run_id IN (1, 2)",
    " AND ".join(["metrics.loss > 1"] * 10_000),
]


def walk(client, experiment, size, **query):
    runs, token = [], None
    while True:
        page = client.search_runs([experiment], max_results=size, page_token=token, **query)
        runs.extend(page)
        token = page.token
        if not token:
            return runs


def shown(run, names):
    data = run.data
    metrics = {key: str(value) for key, value in sorted(data.metrics.items())}
    tags = {key: value for key, value in sorted(data.tags.items()) if not key.startswith("mlflow.")}
    params = dict(sorted(data.params.items()))
    inputs = [(used.dataset.name, used.dataset.digest, [(tag.key, tag.value) for tag in used.tags])
              for used in run.inputs.dataset_inputs]
    info = run.info
    return (names[info.run_id], metrics, params, tags, inputs, info.status, info.start_time, info.end_time,
            info.lifecycle_stage)


QUERIES = [(text, [], ViewType.ACTIVE_ONLY) for text in FILTERS]
QUERIES += [("", order, ViewType.ALL) for order in ORDERS]
QUERIES += [("metrics.`my metric` > 1", order, ViewType.ACTIVE_ONLY) for order in ORDERS]
QUERIES += [("", ["metrics.loss"], ViewType.DELETED_ONLY)]
assert len(QUERIES) >= 60


def told_of_runs(client, sizes):
    """What every query finds, in pages of these sizes, and with which code the broken ones are refused."""
    experiment, names = fill(client)
    answers = []
    for at, (text, order, view) in enumerate(QUERIES):
        query = {"filter_string": text, "order_by": order, "run_view_type": view}
        answers.append([shown(run, names) for run in walk(client, experiment, sizes[at % len(sizes)], **query)])
    codes = []
    for text in BROKEN:
        try:
            client.search_runs([experiment], text)
            codes.append("fine")
        except MlflowException as error:
            codes.append(error.error_code)
    return answers, codes


def table():
    """Every filter, every order, and some of both: the same runs in the same order as a genuine server gives."""
    theirs, their_codes = of_genuine("runs", lambda client: told_of_runs(client, [1000]))
    step("a genuine server told what it finds in 60 runs")
    ours, our_codes = told_of_runs(MlflowClient(url), [1000, 7, 16, 9])
    for (text, order, _), one, other in zip(QUERIES, ours, theirs, strict=True):
        names = [[run[0] for run in found] for found in (one, other)]
        assert len(one) == len(other), (text, order, len(one), len(other))
        # Ties end in the run's id, which is random: within a tie of all that is asked for, any order is right.
        if names[0] != names[1]:
            key = tie_key(order)
            assert [key(run) for run in one] == [key(run) for run in other], (text, order, names)
        for here, there in zip(sorted(map(str, one)), sorted(map(str, other))):
            assert here == there, (text, order, here, there)
    step(f"{len(QUERIES)} filters and orders found the same")
    for text, here, there in zip(BROKEN, our_codes, their_codes, strict=True):
        assert here == there == "INVALID_PARAMETER_VALUE", (text[:100], here, there)
    step(f"{len(BROKEN)} broken filters were refused alike")


def tie_key(order):
    def key(one):
        parts = []
        for field in order:
            name = field.removesuffix(" DESC").removesuffix(" ASC")
            entity, _, rest = name.rpartition(".") if "`" not in name else name.partition(".")
            rest = rest.strip("`")
            source = {"metrics": one[1], "params": one[2], "tags": one[3]}.get(entity)
            if source is not None:
                parts.append(source.get(rest))
            else:
                place = {"status": 5, "start_time": 6, "end_time": 7, "run_name": 0}.get(rest)
                parts.append(one[place] if place is not None else None)
        return (*parts, one[6])
    return key


EXPERIMENTS = [
    ("name LIKE '@%'", ["name"]), ("name LIKE '@b%'", []), ("name ILIKE '@B%'", []), ("tags.c = 'red'", ["name DESC"]),
    ("tags.c != 'red'", []), ("tags.d IS NULL AND name LIKE '@%'", ["name ASC"]), ("name != 'x' AND tags.d = 'x'", []),
    ("attribute.name = '@apple'", []), ("creation_time > 0 AND name LIKE '@%'", ["name"]),
]


def told_of_experiments(client):
    for name, tags in [("apple", {"c": "red"}), ("Banana", {"c": "yellow"}), ("cherry", {"c": "red", "d": "x"})]:
        client.create_experiment(f"e-{name}", tags=tags)
    return [[one.name for one in client.search_experiments(filter_string=text.replace("@", "e-"), order_by=order or ["name"])
             if one.name.startswith("e-")] for text, order in EXPERIMENTS]


def experiments():
    """Experiments on both servers."""
    theirs = of_genuine("experiments", told_of_experiments)
    for asked, one, other in zip(EXPERIMENTS, told_of_experiments(MlflowClient(url)), theirs, strict=True):
        assert one == other, (asked, one, other)
    step("experiments are found alike")


begin = time.monotonic()
if os.path.exists(kept):
    with open(kept, "rb") as file:
        genuine = pickle.load(file)
mlflow.set_tracking_uri(url)
life()
table()
experiments()
traces()
print("the MLflow client is content")

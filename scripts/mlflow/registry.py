"""Searches of registered models, model versions and logged models: `registry.py URL EMAIL PASSWORD GENUINE_URL FILE`.

The same things are made here and in a genuine MLflow server by the unmodified client; every filter and order must find the
same in the same order, page by page. What the genuine server found is kept in FILE.
"""

import json
import os
import sys
import time

url, email, password, genuine_url, kept = sys.argv[1:]
os.environ["MLFLOW_TRACKING_USERNAME"] = email
os.environ["MLFLOW_TRACKING_PASSWORD"] = password
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["MLFLOW_LOGGING_LEVEL"] = "ERROR"

from both import Genuine, step  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

NAMES = ["apple", "Apple pie", "banana", "b%n_na", "cherry", "Zwölf", "d.e-f g"]


def fill(client):
    """Models with and without tags, versions from runs, and logged models with metrics of datasets."""
    experiment = client.create_experiment("registry")
    runs = [client.create_run(experiment, run_name=f"r{at}").info.run_id for at in range(3)]
    for at, name in enumerate(NAMES):
        name = f"r-{name}"
        tags = {"team": ["red", "Blue", "it's"][at % 3]} if at % 4 else {}
        client.create_registered_model(name, {**tags, "n": str(at)}, f"about {name}")
        for number in range(at % 4):
            run = runs[number]
            client.create_model_version(name, f"runs:/{run}/m{number}", run, tags={"stage": "a" if number % 2 else "b"} if at % 2 else None)
    client.register_prompt("r-prompt", "Hello")
    client.update_registered_model("r-banana", "changed")
    models = {}
    for at in range(8):
        params = {"depth": str(at % 3)} if at % 2 else {}
        tags = {"team": "red" if at % 3 else "Blue"}
        made = client.create_logged_model(experiment, f"m{at % 5}", runs[at % 3], tags, params, ["agent", None, "tree"][at % 3])
        models[made.model_id] = f"{made.name}/{at}"
        time.sleep(0.003)  # the order of those that were made in one millisecond is random
        run = runs[at % 3]
        for number in range(at % 3):
            metric = dict(model_id=made.model_id, dataset_name=f"d{number}", dataset_digest="x")
            client.log_metric(run, "loss", [0.5, 1.5, 2.0, -1.0][(at + number) % 4], step=number, timestamp=at, **metric)
            client.log_metric(run, "odd", [float("nan"), 2.0][at % 2], step=number, timestamp=at, **metric)
        if at % 4 == 0:
            client.finalize_logged_model(made.model_id, "READY" if at else "FAILED")
    return experiment, runs, models


# `@run` is the second run.
MODELS = [
    "", "name = 'r-apple'", "name != 'r-apple'", "name LIKE 'r-%pp%'", "name LIKE 'r-A%'", "name ILIKE 'R-A%'", "name LIKE 'r-b%n_na'",
    "name ILIKE '%ZWÖLF'", "name IN ('r-apple', 'r-cherry')", "name LIKE '%'", "tags.team = 'red'", "tag.team != 'red'", "tags.team ILIKE 'B%'",
    "tags.team LIKE 'B%'", "tags.team = \"it's\"", "tags.n = '3' AND name LIKE 'r-%'", "attribute.name = 'r-banana'", "tags.none = 'x'",
    "tags.`mlflow.prompt.is_prompt` = 'true'", "tags.`mlflow.prompt.is_prompt` != 'true'", "tags.n != '1' AND tags.team = 'red'",
]
MODEL_ORDERS = [["name"], ["name DESC"], ["name ASC"], ["attribute.name DESC"]]
VERSIONS = [
    "", "name = 'r-banana'", "name LIKE 'r-b%'", "name ILIKE 'R-%N%'", "name != 'r-banana'", "run_id = '@run'", "run_id != '@run'",
    "run_id IN ('@run', 'x')", "version_number = 2", "version_number > 1", "version_number <= 1 AND name LIKE 'r-%'", "version_number != 1",
    "source_path LIKE '%/m1'", "source_path = 'runs:/@run/m1'", "tags.stage = 'a'", "tags.stage != 'a'", "tag.stage LIKE '_'",
    "name IN ('r-banana', 'r-b%n_na')", "attribute.version_number >= 2 AND tags.stage = 'b'",
]
VERSION_ORDERS = [["name", "version_number"], ["name DESC", "version_number DESC"], ["version_number DESC", "name"], ["version_number ASC", "name DESC"]]
LOGGED = [
    "", "name = 'm1'", "name != 'm1'", "name LIKE 'm_'", "name ILIKE 'M%'", "attributes.name = 'm2'", "model_type = 'agent'", "model_type != 'agent'",
    "status = 'READY'", "status != 'PENDING'", "source_run_id = '@run'", "source_run_id != '@run'", "params.depth = '1'", "params.depth != '1'",
    "params.depth LIKE '%'", "tags.team = 'red'", "tags.team != 'red'", "tags.team ILIKE 'BL%'", "metrics.loss > 0", "metrics.loss <= 0.5",
    "metrics.loss = -1", "metrics.loss != 2", "name IN ('m0', 'm4')", "name NOT IN ('m0', 'm4')", "params.depth IN ('0', '2')",
    "creation_time > 0 AND tags.team = 'red'", "metrics.loss > 0 AND params.depth = '1'", "metrics.none > 0", "metrics.odd < 1",
    "model_type = ''", "source_run_id != ''",
]
LOGGED_ORDERS = [
    [], [("name", True, None)], [("name", False, None)], [("metrics.loss", True, None)], [("metrics.loss", False, None)],
    [("metrics.loss", True, "d0")], [("metrics.loss", False, "d1")], [("params.depth", True, None), ("name", True, None)],
    [("tags.team", False, None), ("name", True, None)], [("status", True, None), ("name", False, None)], [("model_type", True, None)],
    [("metrics.odd", True, None)], [("status", False, None), ("name", True, None)],
]
BOUND = [("metrics.loss > 0", ["d0"]), ("metrics.loss > 0", ["d1"]), ("metrics.loss < 0", ["d0", "d1"]), ("metrics.loss >= 0.5 AND name LIKE 'm%'", ["d0"])]

# What Socle finds where it differs from a genuine server on purpose, and why.
NAMED = "a status goes by its name, as MLflow's documents have it; a genuine server compares the name with the number that it keeps"
WHOLE = "a dataset may be named without its digest, as MLflow's documents have it; a genuine server then looks for an empty digest"
KEPT = "what is not a number stays so; a genuine server keeps 0 for it in a logged model (in the run it does not)"
DIFFERENT = {
    "logged status = 'READY'": (["m4/4"], NAMED),
    "logged status != 'PENDING'": (["m0/0", "m4/4"], NAMED),
    "logged metrics.loss > 0 on ['d0'] by name": (["m1/1", "m2/2", "m4/4", "m0/5"], WHOLE),
    "logged metrics.odd < 1": ([], KEPT),
    "logged by [('metrics.odd', True, None)]": (["m1/1", "m0/5", "m2/7", "m0/0", "m2/2", "m3/3", "m4/4", "m1/6"], KEPT),
}


def walk(page):
    found, token = [], None
    while True:
        some = page(token)
        found.extend(some)
        token = some.token
        if not token:
            return found


def answer(ask):
    try:
        return ask()
    except MlflowException as error:
        return error.error_code


def told(client, sizes):
    """What every query finds, in pages of these sizes; each with whether its order is whole."""
    experiment, runs, models = fill(client)
    answers = []
    turn = iter(range(10_000))
    size = lambda: sizes[next(turn) % len(sizes)]  # noqa: E731

    def models_of(text, order):
        at = size()
        found = walk(lambda token: client.search_registered_models(text, at, order or None, token))
        return [(one.name, one.description, sorted(one.tags.items()), len(one.latest_versions)) for one in found if one.name.startswith("r-")]

    def versions_of(text, order):
        at = size()
        found = walk(lambda token: client.search_model_versions(text.replace("@run", runs[1]), at, order or None, token))
        return [(one.name, int(one.version), runs.index(one.run_id), sorted(one.tags.items())) for one in found if one.name.startswith("r-")]

    def logged_of(text, order, datasets=None, digest="x"):
        at = size()
        order = [{"field_name": field, "ascending": up, **({"dataset_name": data, "dataset_digest": "x"} if data else {})}
                 for field, up, data in order]
        datasets = [{"dataset_name": name, **({"dataset_digest": digest} if digest else {})} for name in datasets or []] or None
        found = walk(lambda token: client.search_logged_models([experiment], text.replace("@run", runs[1]), datasets, at, order or None, token))
        return [models[one.model_id] for one in found]

    for text in MODELS:
        answers.append((f"models {text}", answer(lambda: models_of(text, []))))
    for order in MODEL_ORDERS:
        answers.append((f"models by {order}", answer(lambda: models_of("name LIKE 'r-%'", order))))
    for text in VERSIONS:
        answers.append((f"versions {text}", answer(lambda: versions_of(text, ["name", "version_number"]))))
    for order in VERSION_ORDERS:
        answers.append((f"versions by {order}", answer(lambda: versions_of("name LIKE 'r-%'", order))))
    for text in LOGGED:
        answers.append((f"logged {text}", answer(lambda: logged_of(text, [("name", True, None), ("creation_time", True, None)]))))
    for order in LOGGED_ORDERS:
        answers.append((f"logged by {order}", answer(lambda: logged_of("", [*order, ("creation_time", True, None)]))))
    for text, datasets in BOUND:
        answers.append((f"logged {text} on {datasets}", answer(lambda: logged_of(text, [("creation_time", True, None)], datasets))))
    text, datasets = BOUND[0]
    by_name = answer(lambda: logged_of(text, [("creation_time", True, None)], datasets, None))
    answers.append((f"logged {text} on {datasets} by name", by_name))
    return answers


def told_of_evaluation(client):
    """Evaluation datasets and scorers, as their functions make them."""
    import mlflow
    from mlflow.genai.datasets import create_dataset, delete_dataset, get_dataset, search_datasets

    mlflow.set_tracking_uri(client.tracking_uri)
    store = client._tracking_client.store
    experiment = client.create_experiment("judged")
    made = create_dataset(name="questions", experiment_id=experiment, tags={"team": "red"})
    made.merge_records([
        {"inputs": {"question": "one", "n": 1}, "expectations": {"answer": "1"}, "tags": {"a": "b"}},
        {"inputs": {"question": "two"}, "outputs": {"text": "2"}},
    ])
    made.merge_records([{"inputs": {"n": 1, "question": "one"}, "expectations": {"more": True}}])
    found = get_dataset(dataset_id=made.dataset_id)
    answers = [("dataset", found.name, found.tags["team"], json.loads(found.schema), json.loads(found.profile), len(found.digest))]
    def shown(one):
        tags = {key: value for key, value in one.tags.items() if key != "mlflow.user"}
        return json.dumps([one.inputs, one.outputs, one.expectations, tags], sort_keys=True)

    answers.append(("records", sorted(map(shown, store._load_dataset_records(found.dataset_id)[0]))))
    create_dataset(name="empty", experiment_id=experiment)
    for text, order in [("name = 'questions'", None), ("name LIKE 'e%'", None), ("tags.team = 'red'", None), ("", ["name ASC"])]:
        listed = search_datasets(experiment_ids=[experiment], filter_string=text or None, order_by=order)
        answers.append((text, order, [one.name for one in listed]))
    client.set_dataset_tags(found.dataset_id, {"team": "blue", "n": "1"})
    client.delete_dataset_tag(found.dataset_id, "n")
    kept = get_dataset(dataset_id=made.dataset_id)
    answers.append(("tags", kept.tags["team"], "n" in kept.tags, kept.experiment_ids == [experiment]))
    delete_dataset(dataset_id=made.dataset_id)
    answers.append(("deleted", answer(lambda: get_dataset(dataset_id=made.dataset_id).name)))
    serialized = '{"name": "same", "builtin_scorer_class": null}'
    for name in ["same", "same", "other"]:
        store.register_scorer(experiment, name, serialized)
    answers.append(("scorers", [(one.scorer_name, one.scorer_version) for one in store.list_scorers(experiment)]))
    answers.append(("versions", [one.scorer_version for one in store.list_scorer_versions(experiment, "same")]))
    answers.append(("one", store.get_scorer(experiment, "same", 1)._serialized_scorer, store.get_scorer(experiment, "same").scorer_version))
    store.delete_scorer(experiment, "same", 2)
    answers.append(("left", [(one.scorer_name, one.scorer_version) for one in store.list_scorers(experiment)]))
    store.delete_scorer(experiment, "same")
    answers.append(("none", answer(lambda: store.get_scorer(experiment, "same"))))
    answers.extend(told_of_labels(experiment))
    return answers


def told_of_labels(experiment):
    """Label schemas, as their functions make, list, change and delete them."""
    from mlflow.genai import label_schemas as labels

    def shown(one):
        return (one.name, str(one.type), repr(one.input), one.instruction, one.enable_comment, one.is_default)

    inputs = [
        labels.InputPassFail("yes", "no"), labels.InputCategorical(["a", "b"], multi_select=True), labels.InputNumeric(0, 1.5), labels.InputText(7),
        labels.InputPassFail("yes", "yes"), labels.InputCategorical(["a"] * 2), labels.InputCategorical([str(at) for at in range(11)]),
        labels.InputCategorical([]), labels.InputNumeric(1, 1), labels.InputText(0), labels.InputPassFail("y" * 65, "n"),
    ]
    answers = []
    for at, one in enumerate(inputs):
        kind = ["feedback", "expectation"][at % 2]
        more = {"instruction": "look twice", "enable_comment": True} if at % 3 else {}
        make = lambda: shown(labels.create_label_schema(f"q{at}", type=kind, input=one, experiment_id=experiment, **more))  # noqa: E731, B023
        answers.append((f"label {one}", answer(make)))
        time.sleep(0.003)  # the order of those that were made in one millisecond is random
    make = lambda name: labels.create_label_schema(name, type="feedback", input=inputs[0], experiment_id=experiment)  # noqa: E731
    answers.append(("labels' names", [answer(lambda: shown(make(name))) for name in ["q0", "", "Feedback", "x" * 251, "Zwölf?"]]))
    first = labels.list_label_schemas(experiment, max_results=2)
    rest = labels.list_label_schemas(experiment, page_token=first.token)
    answers.append(("labels", [shown(one) for one in [*first, *rest]]))
    by_name = {one.name: one for one in [*first, *rest]}
    for name, change in [
        ("q0", {"name": "q1"}), ("q0", {"name": "renamed", "instruction": ""}), ("q0", {"input": inputs[1]}), ("q1", {"input": inputs[3]}),
        ("q1", {"input": labels.InputCategorical(["c"], multi_select=True)}), ("q1", {"input": labels.InputCategorical(["c"])}),
        ("q2", {"enable_comment": True}), ("Feedback", {"instruction": "x"}),
    ]:
        update = lambda: shown(labels.update_label_schema(by_name[name].schema_id, **change))  # noqa: E731, B023
        answers.append((f"label {name} {change}", answer(update)))
    for name in ["q3", "q3", "Feedback"]:
        answers.append((f"without {name}", answer(lambda: labels.delete_label_schema(schema_id=by_name[name].schema_id))))  # noqa: B023
    answers.append(("labels left", [one.name for one in labels.list_label_schemas(experiment)]))
    answers.append(("by name", answer(lambda: shown(labels.get_label_schema("renamed", experiment_id=experiment)))))
    answers.append(("of nobody", answer(lambda: labels.get_label_schema(schema_id="ls-none"))))
    return answers


judged = Genuine(kept + ".judged").of("evaluation", lambda: told_of_evaluation(MlflowClient(genuine_url)))
for here, there in zip(told_of_evaluation(MlflowClient(url)), judged, strict=True):
    assert here == there, f"here {here}, there {there}"
step("evaluation datasets, scorers and label schemas are alike")

theirs = Genuine(kept).of("registry", lambda: told(MlflowClient(genuine_url), [100]))
step("a genuine server told what it finds in its registry")
ours = told(MlflowClient(url), [100, 2, 3])
faults = []
for (name, here), (_, there) in zip(ours, theirs, strict=True):
    expected, why = DIFFERENT.get(name, (there, None))
    if here != expected:
        faults.append(f"{name}\n    here  {here}\n    there {there}")
    elif why and here == there:
        faults.append(f"{name}\n    is alike by now, and yet said to differ: {why}")
assert DIFFERENT.keys() <= {name for name, _ in ours}
if faults:
    print("\n".join(faults))
    raise SystemExit(f"{len(faults)} of {len(ours)} searches find something else")
refused = sum(isinstance(found, str) for _, found in ours)
step(f"{len(ours)} searches of models, versions and logged models found the same ({refused} of them are refused alike), {len(DIFFERENT)} otherwise on purpose")

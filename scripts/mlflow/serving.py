"""Predictions of registered models: `serving.py URL EMAIL PASSWORD`.

Models of scikit-learn and networks are logged with `mlflow.onnx`, registered, and asked over HTTP. What comes back must be
what MLflow's own scoring server answers to the same bytes (its code, run here, with ONNX Runtime below it)."""

import json
import math
import os
import sys
import time
import warnings

url, email, password = sys.argv[1:]
os.environ["MLFLOW_TRACKING_USERNAME"] = email
os.environ["MLFLOW_TRACKING_PASSWORD"] = password
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
os.environ["MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING"] = "false"
warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import pandas as pd  # noqa: E402
import requests  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from mlflow.pyfunc import scoring_server  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from skl2onnx import to_onnx  # noqa: E402
from sklearn.compose import ColumnTransformer  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402
from sklearn.naive_bayes import GaussianNB  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, StandardScaler  # noqa: E402
from sklearn.svm import SVR  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

begin = time.monotonic()
mlflow.set_tracking_uri(url)
mlflow.set_experiment("serving")
answer = requests.post(f"{url}/api/v1/auth/login", json={"email": email, "password": password}, timeout=30)
session = requests.Session()
session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
counts = {"models": 0, "answers": 0}


def alike(one, other, place):
    """Numbers as near as 32 bits allow, all else equal."""
    if isinstance(one, dict):
        assert isinstance(other, dict) and one.keys() == other.keys(), (place, one, other)
        for key in one:
            alike(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list):
        assert isinstance(other, list) and len(one) == len(other), (place, len(one), other)
        for at, (mine, theirs) in enumerate(zip(one, other)):
            alike(mine, theirs, f"{place}[{at}]")
    elif isinstance(one, float) and isinstance(other, (int, float)):
        assert math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-5), (place, one, other)
    else:
        assert one == other and type(one) is type(other), (place, one, other)


def ask(name, body, content_type="application/json", **query):
    data = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": content_type}
    place = f"{url}/api/v1/ml/models/{name}/invocations"
    return session.post(place, data=data, headers=headers, params=query, timeout=60), data


def compare(name, model, body, content_type="application/json"):
    """Socle's answer and MLflow's to the same body."""
    answer, data = ask(name, body, content_type)
    try:
        theirs = scoring_server.invocations(data, content_type, model, model.metadata.get_input_schema())
    except Exception as error:  # noqa: BLE001
        raise AssertionError(f"{name}: MLflow itself refuses {data[:200]}: {error}") from error
    assert theirs.status == 200, theirs
    assert answer.status_code == 200, (name, data[:200], answer.text)
    alike(json.loads(theirs.response), answer.json(), name)
    counts["answers"] += 1


def register(name, proto, **kwargs):
    with mlflow.start_run():
        mlflow.onnx.log_model(proto, name="model", registered_model_name=name, pip_requirements=[], **kwargs)
    counts["models"] += 1
    return mlflow.pyfunc.load_model(f"models:/{name}/1")


def split(frame):
    return {"dataframe_split": json.loads(frame.to_json(orient="split", double_precision=15))}


def records(frame):
    return {"dataframe_records": json.loads(frame.to_json(orient="records", double_precision=15))}


def tabular(name, estimator, data, options=None, target=None):
    """A model of scikit-learn: with columns, and without a signature."""
    frame = data.data.astype(np.float32)
    labels = data.target if target is None else target
    estimator.fit(frame.to_numpy(), labels)
    proto = to_onnx(estimator, frame.to_numpy()[:1], options=options)
    rows = frame.sample(40, random_state=1)
    columns = register(f"{name}-columns", proto, signature=infer_signature(rows.astype(np.float64)))
    compare(f"{name}-columns", columns, split(rows))
    compare(f"{name}-columns", columns, records(rows))
    compare(f"{name}-columns", columns, {"inputs": {key: rows[key].astype(float).tolist() for key in rows}})
    compare(f"{name}-columns", columns, rows.to_csv(index=False), "text/csv")
    # And what `predict` says by itself.
    mine = ask(f"{name}-columns", split(rows))[0].json()["predictions"]
    theirs = columns.predict(rows.astype(np.float64)).to_dict(orient="records")
    alike(json.loads(json.dumps(theirs, default=lambda value: value.item())), mine, name)
    bare = register(f"{name}-bare", proto)
    compare(f"{name}-bare", bare, {"inputs": {proto.graph.input[0].name: rows.astype(float).to_numpy().tolist()}})
    compare(f"{name}-bare", bare, {"instances": rows.astype(float).to_numpy().tolist()})
    arrays = register(f"{name}-tensor", proto, signature=infer_signature(rows.to_numpy()))
    compare(f"{name}-tensor", arrays, {"instances": rows.astype(float).to_numpy().tolist()})


iris, wine = load_iris(as_frame=True), load_wine(as_frame=True)
cancer, diabetes = load_breast_cancer(as_frame=True), load_diabetes(as_frame=True)
tabular("linear", LinearRegression(), diabetes)
tabular("logistic", make_pipeline(StandardScaler(), LogisticRegression()), cancer)
tabular("logistic-3", make_pipeline(MinMaxScaler(), LogisticRegression()), iris)
named = iris.target.map(lambda at: str(iris.target_names[at]))
tabular("forest", RandomForestClassifier(30, random_state=1), iris, target=named)
tabular("forest-2", RandomForestClassifier(10, random_state=1), cancer)
tabular("forest-regressor", RandomForestRegressor(20, max_depth=6, random_state=1), diabetes)
tabular("boosting", GradientBoostingClassifier(n_estimators=20, random_state=1), cancer)
tabular("boosting-3", GradientBoostingClassifier(n_estimators=10, random_state=1), wine)
tabular("boosting-regressor", GradientBoostingRegressor(n_estimators=20, random_state=1), diabetes)
tabular("tree", make_pipeline(Normalizer(), DecisionTreeClassifier(max_depth=5, random_state=1)), wine)
tabular("bayes", GaussianNB(), iris)
tabular("perceptron", make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=60, random_state=1)), iris)

# Columns of several kinds, each an input of the model: MLflow gives ONNX Runtime lists where it wants columns, so that its own
# scoring fails; what scikit-learn says is the judge.
mixed = pd.DataFrame({
    "age": [31.0, 45.5, None, 22.0, 51.0, 38.0] * 5,
    "city": ["Paris", "Lyon", "Nice", "Lyon", "Paris", "Nice"] * 5,
    "visits": np.arange(30, dtype=np.float64),
})
prepared = ColumnTransformer([
    ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "visits"]),
    ("texts", OneHotEncoder(handle_unknown="ignore"), ["city"]),
])
wanted = np.arange(30) % 3
pipeline = make_pipeline(prepared, RandomForestClassifier(10, random_state=1)).fit(mixed, wanted)
typed = mixed.astype({"age": np.float32, "visits": np.float32})
proto = to_onnx(pipeline, typed[:1], options={"zipmap": False})
with mlflow.start_run():
    signature = infer_signature(mixed)
    mlflow.onnx.log_model(proto, name="model", registered_model_name="mixed", pip_requirements=[], signature=signature)
asked = pd.concat([mixed, pd.DataFrame({"age": [40.0], "city": ["Brest"], "visits": [3.0]})], ignore_index=True)
answer, _ = ask("mixed", split(asked))
assert answer.status_code == 200, answer.text
said = answer.json()["predictions"]
assert [row["label"] for row in said] == pipeline.predict(asked).tolist(), said
assert np.allclose([row["probabilities"] for row in said], pipeline.predict_proba(asked), atol=1e-5)
answer, _ = ask("mixed", records(asked.drop(columns="city")))
assert answer.status_code == 400 and "city" in answer.text, answer.text

# A network, whose weights MLflow writes to a file of their own.
random = np.random.default_rng(1)
weights = {
    "W1": random.normal(size=(4, 200)), "b1": random.normal(size=200), "W2": random.normal(size=(200, 3)) / 20, "b2": np.ones(3),
}
graph = helper.make_graph(
    [
        helper.make_node("Gemm", ["x", "W1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "W2", "b2"], ["o"]),
        helper.make_node("Softmax", ["o"], ["probabilities"], axis=-1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ],
    "network",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
    [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3]),
    ],
    [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
)
proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
onnx.checker.check_model(proto)
rows = iris.data.to_numpy(dtype=np.float32)[::4]
network = register("network", proto, signature=infer_signature({"x": rows}))
compare("network", network, {"inputs": {"x": rows.astype(float).tolist()}})
compare("network", network, {"instances": [{"x": row} for row in rows.astype(float).tolist()]})
compare("network", network, {"inputs": rows.astype(float).tolist()})
compare("network", network, {"dataframe_records": [{"x": row} for row in rows.astype(float).tolist()]})

# What MLflow refuses is refused.
linear = mlflow.pyfunc.load_model("models:/linear-columns/1")
row = {key: float(value) for key, value in diabetes.data.iloc[0].items()}
for body in [
    {},
    {"dataframe_records": [{key: value for key, value in row.items() if key != "bmi"}]},
    {"dataframe_records": [{**row, "bmi": "heavy"}]},
    {"dataframe_split": {"columns": list(row), "data": [[1.0]]}},
    {"inputs": {"age": [1.0]}},
    {"instances": [[1.0, 2.0]]},
]:
    answer, data = ask("linear-columns", body)
    try:
        scoring_server.invocations(data, "application/json", linear, linear.metadata.get_input_schema())
    except Exception:  # noqa: BLE001
        assert answer.status_code == 400, (body, answer.text)
    else:
        raise AssertionError(f"MLflow takes {body}")
compare("linear-columns", linear, {"dataframe_records": [{**row, "more": "is ignored"}], "params": {"p": 1}})

# What is not run here is told.
estimator = SVR().fit(diabetes.data.to_numpy(dtype=np.float32), diabetes.target)
register("support-vectors", to_onnx(estimator, diabetes.data.to_numpy(dtype=np.float32)[:1]))
answer, _ = ask("support-vectors", {"inputs": [[0.0] * 10]})
assert answer.status_code == 409 and "SVMRegressor" in answer.text, answer.text
with mlflow.start_run():
    estimator = LinearRegression().fit(diabetes.data, diabetes.target)
    mlflow.sklearn.log_model(estimator, name="model", registered_model_name="pickled", pip_requirements=[])
answer, _ = ask("pickled", {"inputs": [[0.0] * 10]})
assert answer.status_code == 409 and "this server runs ONNX" in answer.text, answer.text

# How long an answer takes.
body = split(diabetes.data.sample(1, random_state=1))
took = []
for _ in range(50):
    began = time.monotonic()
    ask("forest-regressor-columns", body)[0].raise_for_status()
    took.append(time.monotonic() - began)
print(f"{counts['models']} models, {counts['answers']} answers as MLflow's own, in {time.monotonic() - begin:.0f} s; "
      f"one row of a forest in {1000 * sorted(took)[25]:.1f} ms")

// MLflow's endpoints of the stand-in, as far as the console's pages ask: experiments, runs with curves, files, a registry, traces.
// Of the search grammar it knows `run_id IN (…)` and comparisons of one metric; the real server is there for the rest.
const hex = (n, seed) => Array.from({ length: n }, (_, at) => ((seed * 31 + at * 17 + ((seed * at) % 13)) % 16).toString(16)).join("");
const noise = (n) => (Math.sin(n * 12.9898) * 43_758.5453) % 1;
const pair = (key, value) => ({ key, value: String(value) });
const now = Date.now();
const minute = 60_000;

function seed() {
  const experiments = ["Default", "churn-gbdt", "sentiment-bert"].map((name, n) => ({
    experiment_id: String(n), name, artifact_location: `mlflow-artifacts:/${n}`, lifecycle_stage: "active", creation_time: now - 9e8, last_update_time: now - n * 1e7,
    tags: n === 1 ? [pair("team", "growth"), pair("mlflow.note.content", "Which customers leave within 90 days.")] : [],
  }));
  const runs = Array.from({ length: 1200 }, (_, n) => {
    const rate = 10 ** (-3 + 2.5 * Math.abs(noise(n)));
    const score = 0.95 - 0.06 * Math.abs(Math.log10(rate) + 1.4) - 0.02 * Math.abs(noise(n + 7));
    return run("1", `gbdt-${String(n).padStart(4, "0")}`, hex(32, n + 1), now - (1200 - n) * minute, [["auc", score], ["f1", score - 0.05]], [["learning_rate", rate.toFixed(5)], ["max_depth", 2 + (n % 9)], ["booster", n % 3 ? "gbdt" : "dart"]], "FINISHED");
  });
  for (let n = 0; n < 4; n++) runs.push(run("2", ["calm-otter", "brisk-heron", "quiet-lynx", "vivid-crane"][n], hex(32, 5000 + n), now - (n + 1) * 60 * minute, [["train/loss", 0.2 + n / 20], ["eval/accuracy", 0.93 - n / 50], ["system/cpu_utilization_percentage", 40]], [["lr", 10 ** -n], ["batch_size", 32]], n ? "FINISHED" : "RUNNING"));
  const version = (name, n, more = {}) => ({ name, version: String(n), creation_timestamp: now - (9 - n) * 864e5, last_updated_timestamp: now - n * 1e6, current_stage: "None", description: "", source: `mlflow-artifacts:/2/${hex(32, 5000 + n)}/artifacts/model`, run_id: hex(32, 5000 + (n % 4)), status: "READY", tags: [], ...more });
  const prompt = pair("mlflow.prompt.is_prompt", "true");
  return {
    experiments,
    runs,
    models: [
      { name: "sentiment", description: "Reviews in three classes.", creation_timestamp: now - 9e8, last_updated_timestamp: now - 1e7, tags: [pair("owner", "noor")], aliases: [{ alias: "champion", version: "2" }] },
      { name: "summarise-review", creation_timestamp: now - 9e8, last_updated_timestamp: now - 1e7, tags: [prompt], aliases: [] },
    ],
    versions: [
      ...[1, 2, 3].map((n) => version("sentiment", n, n === 2 ? { current_stage: "Production" } : {})),
      ...[1, 2].map((n) => version("summarise-review", n, { run_id: "", tags: [prompt, pair("mlflow.prompt.text", n === 1 ? "Summarise:\n\n{{ review }}" : "Summarise in one sentence:\n\n{{ review }}")] })),
    ],
    traces: Array.from({ length: 12 }, (_, n) => trace(n)),
  };
}

function run(experiment_id, run_name, run_id, start_time, metrics, params, status) {
  const timestamp = start_time + 50_000;
  return {
    info: { run_id, run_uuid: run_id, run_name, experiment_id, user_id: "ada", status, start_time, ...(status !== "RUNNING" && { end_time: start_time + 45_000 }), artifact_uri: `mlflow-artifacts:/${experiment_id}/${run_id}/artifacts`, lifecycle_stage: "active" },
    data: { metrics: metrics.map(([key, value]) => ({ key, value, timestamp, step: 400 })), params: params.map(([key, value]) => pair(key, value)), tags: [pair("mlflow.user", "ada")] },
    inputs: {},
    outputs: {},
  };
}

function trace(n) {
  const trace_id = `tr-${hex(32, 900 + n)}`;
  const start = BigInt(now - n * minute) * 1_000_000n;
  const at = (ms) => String(start + BigInt(ms) * 1_000_000n);
  const attributes = (of) => Object.entries(of).map(([key, value]) => ({ key, value: { string_value: JSON.stringify(value) } }));
  const span = (span_id, parent_span_id, name, from, to, of) => ({ span_id, parent_span_id, name, start_time_unix_nano: at(from), end_time_unix_nano: at(to), status: { code: "STATUS_CODE_OK" }, attributes: attributes(of) });
  return {
    trace_info: {
      trace_id, trace_location: { type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: "2" } }, request_time: new Date(now - n * minute).toISOString(), execution_duration: "0.920s", state: n % 5 === 3 ? "ERROR" : "OK",
      request_preview: '{"question": "Why is my parcel late?"}', response_preview: '{"answer": "Within two days."}', tags: { "mlflow.traceName": "answer_question" },
      assessments: n % 2 ? [] : [{ assessment_id: `a-${n}`, assessment_name: "correctness", source: { source_type: "HUMAN", source_id: "noor" }, feedback: { value: true }, rationale: "Agrees with shipping.md" }],
    },
    spans: [
      span("a", "", "answer_question", 0, 920, { "mlflow.spanType": "AGENT", "mlflow.spanInputs": { question: "Why is my parcel late?" }, "mlflow.spanOutputs": { answer: "Within two days." } }),
      span("b", "a", "retrieve", 20, 140, { "mlflow.spanType": "RETRIEVER", "mlflow.spanInputs": { k: 4 } }),
      span("c", "a", "chat.completions", 150, 900, { "mlflow.spanType": "CHAT_MODEL", model: "small-7b" }),
    ],
  };
}

const FILES = {
  "report.json": '{"accuracy": 0.931, "per_class": {"positive": {"f1": 0.95}}}',
  "tables/confusion.csv": "actual,negative,positive\nnegative,812,58\npositive,40,1204\n",
  "report.html": "<style>b { color: seagreen }</style><h1>Evaluation</h1><p>Accuracy <b>0.931</b></p><script>document.body.append(`origin: ${origin}`)</script>",
};

export function ml({ refuse, announce }) {
  const state = seed();
  const invalid = (message) => refuse(400, "INVALID_PARAMETER_VALUE", message);
  const found = (list, is, what) => list.find(is) ?? refuse(404, "RESOURCE_DOES_NOT_EXIST", `${what} not found`);
  const experiment = (id) => found(state.experiments, (one) => one.experiment_id === id, `No Experiment with id=${id} exists`);
  const runOf = (id) => found(state.runs, (one) => one.info.run_id === id, `Run with id=${id}`);
  const model = (name) => found(state.models, (one) => one.name === name, `Registered Model with name=${name}`);
  const version = (name, n) => found(state.versions, (one) => one.name === name && one.version === n, `Model Version (name=${name}, version=${n})`);
  const isPrompt = (one) => (one.tags ?? []).some(({ key }) => key === "mlflow.prompt.is_prompt");
  const tag = (of, { key, value }) => ((of.tags = [...(of.tags ?? []).filter((one) => one.key !== key), ...(value === undefined ? [] : [pair(key, value)])]), {});
  const paged = (list, size, token, name) => {
    const from = Number(token ?? 0);
    return { [name]: list.slice(from, from + size), ...(from + size < list.length && { next_page_token: String(from + size) }) };
  };
  const lives = (view, one) => view === "ALL" || one === (view === "DELETED_ONLY" ? "deleted" : "active");
  function filtered(runs, filter) {
    if (!filter) return runs;
    const ids = /run_id IN \((.*)\)/.exec(filter);
    if (ids) return runs.filter((one) => ids[1].includes(one.info.run_id));
    if (/parentRunId/.test(filter)) return [];
    const clause = /^metrics\.`?([\w/]+)`? *(>|<|>=|<=) *([\d.]+)$/.exec(filter) ?? invalid(`Invalid clause(s) in filter string: '${filter}'`);
    const value = (one) => one.data.metrics.find(({ key }) => key === clause[1])?.value ?? NaN;
    return runs.filter((one) => (clause[2][0] === ">" ? value(one) > Number(clause[3]) : value(one) < Number(clause[3])));
  }
  const whole = (one) => ({ ...one, latest_versions: state.versions.filter(({ name }) => name === one.name).slice(-1) });
  const A = "/ajax-api/2.0/mlflow";
  const B = "/ajax-api/3.0/mlflow";
  return {
    [`POST ${A}/experiments/search`]: ({ body }) => ({ experiments: state.experiments.filter((one) => lives(body.view_type, one.lifecycle_stage) && (!body.filter || one.name.toLowerCase().includes(body.filter.split("%")[1]?.toLowerCase() ?? ""))) }),
    [`GET ${A}/experiments/get`]: ({ query }) => ({ experiment: experiment(query.get("experiment_id")) }),
    [`POST ${A}/experiments/create`]: ({ body }) => {
      const experiment_id = String(state.experiments.length);
      state.experiments.push({ experiment_id, name: body.name, lifecycle_stage: "active", creation_time: Date.now(), last_update_time: Date.now(), tags: [] });
      return { experiment_id };
    },
    [`POST ${A}/experiments/update`]: ({ body }) => ((experiment(body.experiment_id).name = body.new_name), {}),
    [`POST ${A}/experiments/delete`]: ({ body }) => ((experiment(body.experiment_id).lifecycle_stage = "deleted"), {}),
    [`POST ${A}/experiments/restore`]: ({ body }) => ((experiment(body.experiment_id).lifecycle_stage = "active"), {}),
    [`POST ${A}/experiments/set-experiment-tag`]: ({ body }) => tag(experiment(body.experiment_id), body),
    [`POST ${A}/experiments/delete-experiment-tag`]: ({ body }) => tag(experiment(body.experiment_id), { key: body.key }),
    [`POST ${A}/runs/search`]: ({ body }) => {
      const runs = filtered(state.runs.filter(({ info }) => body.experiment_ids.includes(info.experiment_id) && lives(body.run_view_type, info.lifecycle_stage)), body.filter);
      return paged(runs.toSorted((a, b) => b.info.start_time - a.info.start_time), body.max_results ?? 1000, body.page_token, "runs");
    },
    [`GET ${A}/runs/get`]: ({ query }) => ({ run: runOf(query.get("run_id")) }),
    [`POST ${A}/runs/update`]: ({ body }) => ((runOf(body.run_id).info.run_name = body.run_name), { run_info: runOf(body.run_id).info }),
    [`POST ${A}/runs/delete`]: ({ body }) => ((runOf(body.run_id).info.lifecycle_stage = "deleted"), {}),
    [`POST ${A}/runs/restore`]: ({ body }) => ((runOf(body.run_id).info.lifecycle_stage = "active"), {}),
    [`POST ${A}/runs/set-tag`]: ({ body }) => tag(runOf(body.run_id).data, body),
    [`POST ${A}/runs/delete-tag`]: ({ body }) => tag(runOf(body.run_id).data, { key: body.key }),
    [`GET ${A}/metrics/get-history-bulk-interval`]: ({ query }) => ({
      metrics: query.getAll("run_ids").flatMap((run_id, line) => Array.from({ length: 400 }, (_, step) => ({ key: query.get("metric_key"), run_id, step, timestamp: now - 4e6 + step * 9000, value: 0.2 + 0.6 * Math.exp(-step / (60 + 30 * line)) + 0.03 * noise(step + line) }))),
    }),
    [`GET ${A}/artifacts/list`]: ({ query }) => {
      const below = query.get("path") ? `${query.get("path")}/` : "";
      const names = [...new Set(Object.keys(FILES).filter((path) => path.startsWith(below)).map((path) => path.slice(below.length).split("/")[0]))];
      return { files: names.map((name) => ({ path: below + name, is_dir: !(below + name in FILES), file_size: FILES[below + name]?.length })) };
    },
    [`GET ${A}/logged-models/:id`]: ({ id }) => ({ model: { info: { model_id: id, experiment_id: "2", name: "model", status: "LOGGED_MODEL_READY", creation_timestamp_ms: now } } }),
    [`GET ${A}/registered-models/search`]: ({ query }) => ({ registered_models: state.models.filter((one) => isPrompt(one) === /is_prompt/.test(query.get("filter") ?? "")).map(whole) }),
    [`GET ${A}/registered-models/get`]: ({ query }) => ({ registered_model: whole(model(query.get("name"))) }),
    [`PATCH ${A}/registered-models/update`]: ({ body }) => Object.assign(model(body.name), { description: body.description }),
    [`POST ${A}/registered-models/set-tag`]: ({ body }) => tag(model(body.name), body),
    [`DELETE ${A}/registered-models/delete-tag`]: ({ body }) => tag(model(body.name), { key: body.key }),
    [`DELETE ${A}/registered-models/delete`]: ({ body }) => (state.models.splice(state.models.indexOf(model(body.name)), 1), {}),
    [`POST ${A}/registered-models/alias`]: ({ body }) => {
      const one = model(body.name);
      one.aliases = [...one.aliases.filter(({ alias }) => alias !== body.alias), { alias: body.alias, version: body.version }];
      announce("ml.model_version_alias_set", body);
      return {};
    },
    [`DELETE ${A}/registered-models/alias`]: ({ body }) => ((model(body.name).aliases = model(body.name).aliases.filter(({ alias }) => alias !== body.alias)), {}),
    [`GET ${A}/model-versions/search`]: ({ query }) => {
      const [, by, value] = /(name|run_id) = '(.*?)'/.exec(query.get("filter") ?? "") ?? [];
      return { model_versions: state.versions.filter((one) => one[by] === value).toReversed() };
    },
    [`GET ${A}/model-versions/get`]: ({ query }) => ({ model_version: version(query.get("name"), query.get("version")) }),
    [`PATCH ${A}/model-versions/update`]: ({ body }) => Object.assign(version(body.name, body.version), { description: body.description }),
    [`POST ${A}/model-versions/transition-stage`]: ({ body }) => Object.assign(version(body.name, body.version), { current_stage: body.stage }),
    [`POST ${A}/model-versions/set-tag`]: ({ body }) => tag(version(body.name, body.version), body),
    [`DELETE ${A}/model-versions/delete-tag`]: ({ body }) => tag(version(body.name, body.version), { key: body.key }),
    [`DELETE ${A}/model-versions/delete`]: ({ body }) => (state.versions.splice(state.versions.indexOf(version(body.name, body.version)), 1), {}),
    [`POST ${B}/traces/search`]: ({ body }) => ({ traces: body.locations[0].mlflow_experiment.experiment_id === "2" ? state.traces.map((one) => one.trace_info) : [] }),
    [`GET ${B}/traces/get`]: ({ query }) => ({ trace: found(state.traces, (one) => one.trace_info.trace_id === query.get("trace_id"), "Trace") }),
  };
}

/** The file itself, for previews. */
export const artifact = (path) => FILES[path];

import { expect, type Page } from "@playwright/test";
import { csrf, type House } from "./house";

type Body = Record<string, unknown>;

/** MLflow's calls as the person of this page, who may be on the mock. */
function calls(page: Page, house: House) {
  return async <T = Body>(path: string, data: Body, version = "2.0"): Promise<T> => {
    const answer = await page.request.post(`${house.base}/ajax-api/${version}/mlflow/${path}`, { data, headers: { "X-CSRF-Token": await csrf(page) } });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return (await answer.json()) as T;
  };
}

/** A sweep, two runs with curves and files, a model and a trace: enough that each page has something to show. */
export async function furnishMl(page: Page, house: House) {
  const ask = calls(page, house);
  const headers = { "X-CSRF-Token": await csrf(page) };
  const experiment = async (name: string) => (await ask<{ experiment_id: string }>("experiments/create", { name })).experiment_id;
  const create = async (experiment_id: string, run_name: string, n: number) =>
    (await ask<{ run: { info: { run_id: string; artifact_uri: string } } }>("runs/create", { experiment_id, run_name, start_time: Date.now() - (n + 1) * 60_000 })).run.info;
  const sweep = await experiment("churn-gbdt");
  await ask("experiments/set-experiment-tag", { experiment_id: sweep, key: "mlflow.note.content", value: "Which customers leave within 90 days." });
  for (let n = 0; n < 40; n++) {
    const { run_id } = await create(sweep, `gbdt-${n}`, n);
    const [rate, depth] = [0.001 * 1.15 ** n, 2 + ((n * 7) % 9)];
    const metrics = [{ key: "auc", value: 0.95 - 0.05 * Math.abs(Math.log10(rate) + 2) - 0.003 * Math.abs(depth - 6), timestamp: 1, step: 0 }];
    await ask("runs/log-batch", { run_id, metrics, params: [{ key: "learning_rate", value: String(rate) }, { key: "max_depth", value: String(depth) }, { key: "booster", value: n % 3 ? "gbdt" : "dart" }] });
    await ask("runs/update", { run_id, status: n % 9 ? "FINISHED" : "FAILED", end_time: Date.now() });
  }
  const training = await experiment("sentiment-bert");
  for (const [n, name] of ["calm-otter", "brisk-heron"].entries()) {
    const { run_id, artifact_uri } = await create(training, name, n);
    const metrics = Array.from({ length: 300 }, (_, step) => ({ key: "train/loss", value: 0.2 + 0.6 * Math.exp(-step / (60 + 40 * n)), step, timestamp: Date.now() + step }));
    await ask("runs/log-batch", { run_id, metrics, params: [{ key: "lr", value: String(10 ** -(n + 2)) }, { key: "batch_size", value: "32" }] });
    const base = `${house.base}/api/2.0/mlflow-artifacts/artifacts/${artifact_uri.replace("mlflow-artifacts:/", "")}`;
    const csv = "actual,negative,positive\nnegative,812,58\npositive,40,1204\n";
    expect((await page.request.put(`${base}/tables/confusion.csv`, { data: csv, headers: { ...headers, "Content-Type": "application/octet-stream" } })).ok()).toBe(true);
    if (n === 0) await ask("registered-models/create", { name: "sentiment", description: "Reviews in three classes." });
    await ask("model-versions/create", { name: "sentiment", source: `${artifact_uri}/model`, run_id, tags: [{ key: "validated", value: n ? "no" : "yes" }] });
  }
  await ask("registered-models/alias", { name: "sentiment", alias: "champion", version: "1" });
  const [traceId, start] = ["4bf92f3577b34da6a3ce929d0e0e4736", BigInt(Date.now()) * 1_000_000n];
  const span = (spanId: string, parentSpanId: string | undefined, name: string, from: number, to: number, type: string) => ({
    traceId, spanId, parentSpanId, name, kind: 1, startTimeUnixNano: String(start + BigInt(from * 1e6)), endTimeUnixNano: String(start + BigInt(to * 1e6)),
    attributes: [{ key: "mlflow.spanType", value: { stringValue: `"${type}"` } }, { key: "mlflow.spanInputs", value: { stringValue: '{"question":"Where is my parcel?"}' } }],
  });
  const spans = [span("00f067aa0ba902b7", undefined, "answer", 0, 900, "AGENT"), span("00f067aa0ba902b8", "00f067aa0ba902b7", "retrieve", 50, 200, "RETRIEVER"), span("00f067aa0ba902b9", "00f067aa0ba902b7", "chat", 210, 880, "CHAT_MODEL")];
  const traced = await page.request.post(`${house.base}/v1/traces`, { data: { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: { name: "app" }, spans }] }] }, headers: { ...headers, "x-mlflow-experiment-id": training } });
  expect(traced.ok(), await traced.text()).toBe(true);
}

/** The pages of ML, each with something on it. */
export async function mlPaths(page: Page, house: House): Promise<Record<string, string>> {
  const ask = calls(page, house);
  const { experiments = [] } = await ask<{ experiments?: { experiment_id: string; name: string }[] }>("experiments/search", { max_results: 100 });
  const id = (name: string) => experiments.find((one) => one.name === name)!.experiment_id;
  const { runs = [] } = await ask<{ runs?: { info: { run_id: string } }[] }>("runs/search", { experiment_ids: [id("sentiment-bert")], max_results: 2 });
  const ids = runs.map(({ info }) => info.run_id);
  const { traces = [] } = await ask<{ traces?: { trace_id: string }[] }>("traces/search", { locations: [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: id("sentiment-bert") } }], max_results: 1 }, "3.0");
  return {
    ml: "/ml",
    "ml-runs": `/ml/experiments/${id("churn-gbdt")}`,
    "ml-plot": `/ml/experiments/${id("churn-gbdt")}/charts?plot=contour`,
    "ml-run": `/ml/runs/${ids[0]}`,
    "ml-artifacts": `/ml/runs/${ids[0]}/artifacts?path=tables/confusion.csv`,
    "ml-compare": `/ml/compare?runs=${ids.join()}&smooth=0.6`,
    "ml-model": "/ml/models/sentiment",
    "ml-trace": `/ml/traces/${traces[0]!.trace_id}`,
  };
}

import { expect, test, type APIRequestContext, type Page } from "@playwright/test";
import { administrator, firstRun, menu, openHouse, watchFaults, type House } from "./house";

// What people do with experiments, models and traces, from the browser, while a client logs through MLflow's own calls. It needs
// the real server (SOCLE_BIN): the mock knows no search grammar.

let house: House;
test.skip(!process.env.SOCLE_BIN, "needs the real server");
test.beforeAll(async () => {
  house = await openHouse();
});
test.afterAll(() => house?.stop());

/** How many runs a table is scrolled through with. */
const RUNS = Number(process.env.SOCLE_E2E_RUNS ?? 10_000);

/** A client as mlflow's is: by address and password, beside the browser's session. */
function client(request: APIRequestContext) {
  const headers = { Authorization: `Basic ${Buffer.from(`${administrator.email}:${administrator.password}`).toString("base64")}` };
  const ask = async <T = Record<string, never>>(path: string, data: unknown, more: Record<string, string> = {}): Promise<T> => {
    const response = await request.post(`${house.base}${path}`, { data, headers: { ...headers, ...more } });
    expect(response.ok(), `${path}: ${await response.text()}`).toBe(true);
    return (await response.json()) as T;
  };
  const log = <T = Record<string, never>>(path: string, data: unknown) => ask<T>(`/api/2.0/mlflow/${path}`, data);
  return {
    log,
    ask,
    experiment: async (name: string) => (await log<{ experiment_id: string }>("experiments/create", { name })).experiment_id,
    run: async (experiment_id: string, run_name: string, start_time = Date.now()) =>
      (await log<{ run: { info: { run_id: string; artifact_uri: string } } }>("runs/create", { experiment_id, run_name, start_time })).run.info,
    put: (artifactUri: string, path: string, text: string) =>
      request.put(`${house.base}/api/2.0/mlflow-artifacts/artifacts/${artifactUri.replace("mlflow-artifacts:/", "")}/${path}`, { data: text, headers: { ...headers, "Content-Type": "application/octet-stream" } }),
  };
}

type Client = ReturnType<typeof client>;

/** Runs by the thousand, over sixteen connections: names count them off, the first metric grows with them. */
async function sweep(experimentId: string, count: number) {
  const headers = { Authorization: `Basic ${Buffer.from(`${administrator.email}:${administrator.password}`).toString("base64")}`, "Content-Type": "application/json" };
  const send = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${house.base}/api/2.0/mlflow/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      const { run } = await send<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id: experimentId, run_name: `sweep-${n}`, start_time: 1_700_000_000_000 + n });
      // Each tenth has something to filter by.
      if (n % 10 === 0) {
        await send("runs/log-batch", { run_id: run.info.run_id, metrics: [{ key: "score", value: n / count, timestamp: 1, step: 0 }], params: [{ key: "depth", value: String(n % 7) }, { key: "rate", value: String(0.001 * (1 + (n % 13))) }] });
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const rowsOf = (page: Page) => page.getByTestId("runs-table").getByRole("row");

test("experiments are run from the console while clients log", async ({ page, request }) => {
  // Ten thousand runs are made first.
  test.slow();
  page.setDefaultTimeout(30_000);
  const faults = watchFaults(page);
  await firstRun(page, house);
  const mlflow: Client = client(request);

  await test.step("an empty house says how to begin", async () => {
    await menu(page, "Experiments").click();
    await expect(page.getByRole("heading", { level: 1, name: "Experiments" })).toBeVisible();
    await expect(page.getByText(`mlflow.set_tracking_uri("${house.base}")`)).toBeVisible();
  });

  await test.step("a chart moves while its run trains", async () => {
    const experiment = await mlflow.experiment("night-training");
    const run = await mlflow.run(experiment, "calm-otter");
    const points = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => ({ key: "train/loss", value: 1 / (from + at + 1), step: from + at, timestamp: Date.now() }));
    await mlflow.log("runs/log-batch", { run_id: run.run_id, metrics: points(0, 10), params: [{ key: "lr", value: "0.01" }] });
    // The address that the client prints, which is that of MLflow's own pages.
    await page.goto(`${house.base}/#/experiments/${experiment}/runs/${run.run_id}`);
    await expect(page).toHaveURL(`${house.base}/ml/runs/${run.run_id}`);
    await page.getByRole("navigation", { name: "calm-otter" }).getByRole("link", { name: "Metrics" }).click();
    const chart = page.getByTestId("metric-chart");
    await expect(chart).toHaveAttribute("data-points", "10");
    await expect(page.getByText("Running", { exact: true })).toBeVisible();
    const canvas = chart.locator("canvas");
    const before = await canvas.evaluate((element: HTMLCanvasElement) => element.toDataURL());
    await mlflow.log("runs/log-batch", { run_id: run.run_id, metrics: points(10, 60) });
    await expect(chart).toHaveAttribute("data-points", "60");
    await expect.poll(() => canvas.evaluate((element: HTMLCanvasElement) => element.toDataURL())).not.toBe(before);
    await mlflow.log("runs/update", { run_id: run.run_id, status: "FINISHED", end_time: Date.now() });
    await expect(page.getByText("Finished", { exact: true })).toBeVisible();
    // The way of looking stands in the address.
    await page.getByRole("switch", { name: "Logarithmic" }).press("Space");
    await expect(page).toHaveURL(/log=1/);
    await page.reload();
    await expect(page.getByRole("switch", { name: "Logarithmic" })).toBeChecked();
  });

  await test.step("tags and notes are written, a run is renamed, deleted and brought back", async () => {
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("button", { name: "Write a note" }).click();
    await page.getByRole("textbox", { name: "Notes" }).fill("Warm-up, then decay.");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Warm-up, then decay.")).toBeVisible();
    await page.getByRole("button", { name: "Add a tag" }).click();
    await page.getByRole("textbox", { name: "Key" }).fill("bad key//");
    await page.getByRole("button", { name: "Save" }).click();
    // MLflow's own words.
    await expect(page.getByRole("dialog").getByText("INVALID_PARAMETER_VALUE")).toBeVisible();
    await page.getByRole("textbox", { name: "Key" }).fill("team");
    await page.getByRole("textbox", { name: "Value" }).fill("vision");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("button", { name: "team vision" })).toBeVisible();
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("calm-heron");
    await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "calm-heron" })).toBeVisible();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await expect(page.getByText("Deleted", { exact: true })).toBeVisible();
    await page.getByRole("button", { name: "Bring back" }).click();
    await expect(page.getByText("Deleted", { exact: true })).toHaveCount(0);
  });

  await test.step("of runs with thousands of metrics only what is shown is sent", async () => {
    const experiment = await mlflow.experiment("wide");
    const run = await mlflow.run(experiment, "wide-otter");
    const metrics = Array.from({ length: 2_000 }, (_, at) => ({ key: `layer_${String(at).padStart(4, "0")}/norm`, value: at, timestamp: 1, step: 0 }));
    for (let from = 0; from < metrics.length; from += 1_000) await mlflow.log("runs/log-batch", { run_id: run.run_id, metrics: metrics.slice(from, from + 1_000) });
    const searches: { asked: string[]; bytes: number }[] = [];
    page.on("response", (response) => {
      if (!response.url().endsWith("/runs/search")) return;
      void response.body().then(
        (body) => searches.push({ asked: (response.request().postDataJSON() as { columns: string[] }).columns, bytes: body.length }),
        () => undefined,
      );
    });
    await page.goto(`${house.base}/ml/experiments/${experiment}`);
    const table = page.getByTestId("runs-table");
    await expect(table.getByRole("columnheader", { name: "layer_0003/norm" })).toBeVisible();
    await expect(table.getByRole("columnheader", { name: "layer_0004/norm" })).toHaveCount(0);
    await expect.poll(() => searches.length).toBeGreaterThan(0);
    expect(searches[0]!.asked).toEqual(["metrics.layer_0000/norm", "metrics.layer_0001/norm", "metrics.layer_0002/norm", "metrics.layer_0003/norm", "tags.mlflow.parentRunId"]);
    expect(searches[0]!.bytes).toBeLessThan(2_000);
    // One that is not among the first is found by the server.
    await page.getByRole("button", { name: "Columns" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByText("There are more: find them by name")).toBeVisible();
    await dialog.getByRole("searchbox", { name: "Find a column" }).fill("1987");
    await dialog.getByRole("checkbox", { name: "layer_1987/norm" }).press("Space");
    await dialog.getByRole("button", { name: "Show" }).click();
    await expect(table.getByRole("row", { name: /wide-otter/ }).getByRole("cell", { name: "1987" })).toBeVisible();
    await expect(page).toHaveURL(/columns=/);
    // The run goes on: what it logs now is offered, and shown as one of the first, without anybody asking.
    await page.goto(`${house.base}/ml/experiments/${experiment}`);
    await expect(table.getByRole("columnheader", { name: "layer_0003/norm" })).toBeVisible();
    await mlflow.log("runs/log-batch", { run_id: run.run_id, metrics: [{ key: "auc", value: 0.75, timestamp: 2, step: 0 }], params: [{ key: "depth", value: "7" }] });
    await expect(table.getByRole("columnheader", { name: "auc" })).toBeVisible({ timeout: 60_000 });
    await expect(table.getByRole("row", { name: /wide-otter/ }).getByRole("cell", { name: "0.75" })).toBeVisible();
    // An axis is found the same way.
    await page.getByRole("navigation", { name: "wide" }).getByRole("link", { name: "Charts" }).click();
    await page.getByRole("button", { name: /Parallel coordinates/ }).click();
    await page.getByRole("option", { name: "Scatter" }).click();
    await page.getByRole("button", { name: /Vertical/ }).click();
    await page.getByRole("searchbox", { name: "Find a column" }).fill("1987");
    await page.getByRole("option", { name: "Metric: layer_1987/norm" }).click();
    await expect(page).toHaveURL(/y=metrics\.layer_1987/);
    await expect(page.getByTestId("plot").locator("canvas")).toBeVisible();
  });

  await test.step(`${RUNS} runs are filtered, sorted and scrolled to the end`, async () => {
    const experiment = await mlflow.experiment("sweep");
    await sweep(experiment, RUNS);
    await page.goto(`${house.base}/ml/experiments/${experiment}?columns=metrics.score,params.depth`);
    const table = page.getByTestId("runs-table");
    await expect(table.getByRole("link", { name: `sweep-${RUNS - 1}`, exact: true })).toBeVisible();
    // However many there are, few are built.
    expect(await rowsOf(page).count()).toBeLessThan(80);
    const filter = page.getByRole("searchbox", { name: "Filter" });
    await filter.fill("metrics.score >");
    await filter.press("Enter");
    await expect(page.getByText("INVALID_PARAMETER_VALUE")).toBeVisible();
    await filter.fill("metrics.score >= 0.5 AND params.depth = '3'");
    await filter.press("Enter");
    const half = Array.from({ length: RUNS / 10 }, (_, at) => at * 10).filter((n) => n / RUNS >= 0.5 && n % 7 === 3).length;
    await expect(page.getByTestId("runs-count")).toHaveText(`${half} runs`);
    await expect(page).toHaveURL(/filter=metrics\.score/);
    await table.getByRole("button", { name: "score" }).click();
    await expect(table.getByRole("columnheader", { name: "score" })).toHaveAttribute("aria-sort", "descending");
    await filter.fill("");
    await filter.press("Enter");
    await expect(table.getByRole("link", { name: `sweep-${RUNS - 10}`, exact: true })).toBeVisible();
    // To the end, page token after page token.
    await expect
      .poll(
        async () => {
          await table.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
          return page.getByTestId("runs-count").textContent();
        },
        { timeout: 60_000, intervals: [30] },
      )
      .toBe(`${RUNS.toLocaleString("en-GB")} runs`);
    expect(await rowsOf(page).count()).toBeLessThan(80);
    await table.evaluate((element) => element.scrollTo({ top: 0 }));
    await expect(table.getByRole("link", { name: `sweep-${RUNS - 10}`, exact: true })).toBeVisible();
  });

  await test.step("two runs are compared, and drawn against each other", async () => {
    const table = page.getByTestId("runs-table");
    for (const n of [10, 20]) await table.getByRole("checkbox", { name: `Choose sweep-${RUNS - n}` }).press("Space");
    await expect(page.getByTestId("runs-count")).toHaveText("2 runs chosen");
    await page.getByRole("link", { name: "Compare" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "2 runs compared" })).toBeVisible();
    await expect(page.getByTestId("metric-chart")).toHaveAttribute("data-points", "2");
    const params = page.getByRole("region", { name: "Params" });
    await expect(params.getByRole("row")).toHaveCount(3);
    await page.goBack();
    await page.getByRole("navigation", { name: "sweep" }).getByRole("link", { name: "Charts" }).click();
    await expect(page.getByTestId("plot").locator("canvas")).toBeVisible();
    await page.getByRole("button", { name: /Parallel coordinates/ }).click();
    await page.getByRole("option", { name: "Contour" }).click();
    await expect(page).toHaveURL(/plot=contour/);
    await expect(page.getByTestId("plot").locator("canvas")).toBeVisible();
  });

  await test.step("more than a hundred are compared, in the charts and in the tables", async () => {
    const many = Math.min(120, RUNS / 10);
    await page.getByRole("navigation", { name: "sweep" }).getByRole("link", { name: "Runs" }).click();
    const filter = page.getByRole("searchbox", { name: "Filter" });
    await filter.fill(`metrics.score >= ${(RUNS - many * 10) / RUNS}`);
    await filter.press("Enter");
    await expect(page.getByTestId("runs-count")).toHaveText(`${many} runs`);
    await page.getByRole("checkbox", { name: "Choose all that are loaded" }).press("Space");
    await page.getByRole("link", { name: "Compare" }).click();
    await expect(page.getByRole("heading", { level: 1, name: `${many} runs compared` })).toBeVisible();
    await expect(page.getByTestId("metric-chart")).toHaveAttribute("data-points", String(many));
    await expect(page.getByRole("region", { name: "Params" }).getByRole("columnheader")).toHaveCount(many + 1);
    // The link says it to others.
    await page.reload();
    await expect(page.getByTestId("metric-chart")).toHaveAttribute("data-points", String(many));
  });

  await test.step("artifacts are looked at, somebody else's HTML behind glass", async () => {
    const experiment = await mlflow.experiment("files");
    const run = await mlflow.run(experiment, "with-files");
    await mlflow.put(run.artifact_uri, "tables/mistakes.json", JSON.stringify({ columns: ["text", "label"], data: [["late, but lovely", "positive"]] }));
    // What a page of somebody else's would do, had it the console's origin.
    const tries = `
      <style>#plot { color: rgb(1, 2, 3) }</style><h1>Evaluation</h1><p id="plot"></p><ul></ul>
      <script>
        const tell = (text) => document.querySelector("ul").appendChild(document.createElement("li")).append(text);
        const tried = (name, act) => { try { tell(name + ": " + act()); } catch (error) { tell(name + " refused"); } };
        document.querySelector("#plot").textContent = "drawn by a script";
        tried("cookies", () => document.cookie);
        tried("parent", () => parent.document.cookie);
        tried("storage", () => localStorage.length);
        tried("title", () => { parent.document.title = "stolen"; });
        fetch("/api/v1/auth/me", { credentials: "include" }).then(() => tell("api reached"), () => tell("api refused"));
      </script>`;
    await mlflow.put(run.artifact_uri, "report.html", tries);
    await page.goto(`${house.base}/ml/runs/${run.run_id}/artifacts`);
    await page.getByRole("button", { name: "tables" }).click();
    await page.getByRole("button", { name: /mistakes\.json/ }).click();
    await expect(page.getByRole("cell", { name: "late, but lovely" })).toBeVisible();
    await page.getByRole("button", { name: /report\.html/ }).click();
    const frame = page.locator("iframe");
    await expect(frame).toHaveAttribute("sandbox", "allow-scripts");
    const inside = frame.contentFrame();
    await expect(inside.getByText("drawn by a script")).toHaveCSS("color", "rgb(1, 2, 3)");
    await expect(inside.getByRole("listitem")).toHaveText(["cookies refused", "parent refused", "storage refused", "title refused", "api refused"]);
    await expect(page).toHaveTitle(/with-files/);
    await page.reload();
    await expect(inside.getByText("drawn by a script")).toBeVisible();
    await expect(inside.getByRole("listitem")).toHaveCount(5);
    // Each time its policy told of the connection that it refused.
    const refused = faults.splice(0);
    expect(refused.length).toBeGreaterThan(0);
    for (const fault of refused) expect(fault).toMatch(/\/api\/v1\/auth\/me.*connect|connect.*\/api\/v1\/auth\/me/i);
  });

  await test.step("a model is promoted, and its versions held against each other", async () => {
    const experiment = await mlflow.experiment("models");
    await mlflow.log("registered-models/create", { name: "sentiment" });
    for (const rate of ["0.1", "0.2"]) {
      const run = await mlflow.run(experiment, `rate-${rate}`);
      await mlflow.log("runs/log-batch", { run_id: run.run_id, params: [{ key: "rate", value: rate }, { key: "same", value: "1" }] });
      await mlflow.log("model-versions/create", { name: "sentiment", source: `${run.artifact_uri}/model`, run_id: run.run_id });
    }
    await mlflow.log("registered-models/alias", { name: "sentiment", alias: "champion", version: "1" });
    await menu(page, "Registered models").click();
    await page.getByRole("link", { name: "sentiment" }).click();
    // The newest is unfolded.
    await page.getByRole("button", { name: "Set an alias" }).click();
    await page.getByRole("combobox", { name: "Alias" }).fill("champion");
    await page.keyboard.press("Escape");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("@champion stands at version 1 now and moves to version 2.");
    await dialog.getByRole("button", { name: "Set an alias" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole("button", { name: /^Version 2/ })).toContainText("@champion");
    await expect(page.getByRole("button", { name: /^Version 1/ })).not.toContainText("@champion");
    await page.getByRole("button", { name: "Change the stage" }).click();
    await dialog.getByRole("button", { name: "Change the stage" }).click();
    await expect(page.getByRole("button", { name: /^Version 2/ })).toContainText("Production");
    for (const version of ["1", "2"]) await page.getByRole("checkbox", { name: `Choose version ${version}` }).press("Space");
    await page.getByRole("link", { name: "Version 1 against 2" }).click();
    const params = page.getByRole("region", { name: "Params of their runs" });
    await expect(params.getByRole("row")).toHaveCount(2);
    await expect(params).toContainText("0.1");
    await expect(params).toContainText("0.2");
    // What a client does is seen at once.
    await menu(page, "Registered models").click();
    await mlflow.log("registered-models/alias", { name: "sentiment", alias: "challenger", version: "1" });
    await expect(page.getByText("@challenger · 1")).toBeVisible();
  });

  await test.step("a prompt's versions are told apart", async () => {
    const tag = { key: "mlflow.prompt.is_prompt", value: "true" };
    await mlflow.log("registered-models/create", { name: "summary", tags: [tag] });
    for (const text of ["Summarise:\n{{ text }}", "Summarise briefly:\n{{ text }}"]) {
      await mlflow.log("model-versions/create", { name: "summary", source: "prompt-template", tags: [tag, { key: "mlflow.prompt.text", value: text }] });
    }
    await menu(page, "Prompts").click();
    await page.getByRole("link", { name: "summary" }).click();
    await expect(page.getByRole("region", { name: "The prompt’s text" })).toContainText("Summarise briefly");
    await page.getByRole("button", { name: /Not compared/ }).click();
    await page.getByRole("option", { name: "Against version 1" }).click();
    await expect(page.getByText("Removed: Summarise:")).toBeVisible();
  });

  await test.step("a trace is seen as a waterfall", async () => {
    const experiment = await mlflow.experiment("assistant");
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const start = BigInt(Date.now()) * 1_000_000n;
    const span = (spanId: string, parentSpanId: string | undefined, name: string, from: number, to: number, attributes: Record<string, unknown>) => ({
      traceId,
      spanId,
      parentSpanId,
      name,
      kind: 1,
      startTimeUnixNano: String(start + BigInt(from * 1_000_000)),
      endTimeUnixNano: String(start + BigInt(to * 1_000_000)),
      attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: JSON.stringify(value) } })),
      status: { code: 1 },
    });
    const spans = [
      span("00f067aa0ba902b7", undefined, "answer", 0, 900, { "mlflow.spanType": "AGENT", "mlflow.spanInputs": { question: "Where is my parcel?" } }),
      span("00f067aa0ba902b8", "00f067aa0ba902b7", "retrieve", 50, 200, { "mlflow.spanType": "RETRIEVER", "mlflow.spanOutputs": ["shipping.md"] }),
    ];
    await mlflow.ask("/v1/traces", { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: { name: "app" }, spans }] }] }, { "x-mlflow-experiment-id": experiment });
    await mlflow.ask(`/api/3.0/mlflow/traces/tr-${traceId}/assessments`, {
      assessment: { assessment_name: "correctness", source: { source_type: "HUMAN", source_id: "ada" }, feedback: { value: true }, rationale: "Agrees with shipping.md" },
    });
    await page.goto(`${house.base}/ml/experiments/${experiment}/traces`);
    await page.getByRole("link", { name: "answer", exact: true }).click();
    const bars = page.getByTestId("waterfall").getByRole("button");
    await expect(bars).toHaveCount(2);
    await expect(page.getByRole("region", { name: "Inputs" })).toContainText("Where is my parcel?");
    await bars.nth(1).click();
    await expect(page.getByRole("region", { name: "Outputs" })).toContainText("shipping.md");
    await expect(page).toHaveURL(/span=/);
    await expect(page.getByText("Agrees with shipping.md")).toBeVisible();
  });

  expect(faults).toEqual([]);
});

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client, ok } from "@/lib/client";
import { useWrite } from "@/lib/queries-client";
import { artifactText, get, isFramed, post } from "./client";
import { askedColumns, compareColumns, orderBy, quoteValue, rowOf, type Column, type Entity, type Order, type Row } from "./columns";
import { HEAD_BYTES, hostsOf } from "./preview";
import { grouped, pointsEach, pointsOf, type Point } from "./series";
import type { ArtifactFile, Experiment, LoggedModel, Metric, Run } from "./types";

export const keys = {
  all: ["ml"],
  experiments: ["ml", "experiments"],
  runs: ["ml", "runs"],
  history: ["ml", "history"],
  models: ["ml", "models"],
  traces: ["ml", "traces"],
} as const;

export type Lifecycle = "ACTIVE_ONLY" | "DELETED_ONLY";

/** How often a run that goes on is asked for anew, while somebody looks. */
export const LIVE_MS = 2_000;

/** The same of a list with such runs. */
const LIVE_LIST_MS = 10_000;

export const EXPERIMENTS_EACH = 200;

/** Experiments whose name holds the words, the newest first. Below capitals and lower case count the same. */
export const experimentsQuery = (words: string | undefined, lifecycle: Lifecycle) =>
  infiniteQueryOptions({
    queryKey: [...keys.experiments, "list", { words, lifecycle }],
    queryFn: async ({ pageParam, signal }) => {
      const filter = words ? `attributes.name ILIKE ${quoteValue(`%${words}%`)}` : undefined;
      const answer = await post<{ experiments?: Experiment[]; next_page_token?: string }>(
        "experiments/search",
        { filter, max_results: EXPERIMENTS_EACH, view_type: lifecycle, page_token: pageParam },
        { signal },
      );
      return { items: answer.experiments ?? [], token: answer.next_page_token };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ token }) => token,
    placeholderData: keepPreviousData,
  });

export const experimentQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.experiments, id],
    queryFn: async ({ signal }) => (await get<{ experiment: Experiment }>("experiments/get", { experiment_id: id }, { signal })).experiment,
  });

/** So many keys of a kind are listed; of more, those that are looked for by name. */
const COLUMNS_EACH = 150;

const KINDS = [
  ["metric", "metrics"],
  ["param", "params"],
  ["tag", "tags"],
] as const;

export interface ColumnsFound {
  columns: Column[];
  /** Of these there are more. */
  more: Entity[];
}

/** What runs of an experiment logged, whose keys hold the words: what may become a column. */
export const columnsQuery = (experimentId: string, words = "") =>
  queryOptions({
    queryKey: [...keys.runs, "columns", experimentId, words],
    queryFn: async ({ signal }): Promise<ColumnsFound> => {
      const path = { id: experimentId };
      const text = words.slice(0, 200) || undefined;
      const found = await Promise.all(
        KINDS.map(async ([kind, entity]) => {
          const query = { kind, text, limit: COLUMNS_EACH };
          const { items, next_cursor } = await ok(client.GET("/api/v1/ml/experiments/{id}/columns", { params: { path, query }, signal }));
          return { columns: items.map(({ key }): Column => `${entity}.${key}`), more: next_cursor ? [entity] : [] };
        }),
      );
      return { columns: found.flatMap(({ columns }) => columns).sort(compareColumns), more: found.flatMap(({ more }) => more) };
    },
    placeholderData: keepPreviousData,
  });

export interface RunsAsked {
  experimentIds: readonly string[];
  filter?: string;
  order?: Order;
  lifecycle: Lifecycle;
  /** What is asked of each run. */
  columns: readonly Column[];
  /** At a time. */
  each?: number;
}

export interface RunsPage {
  rows: Row[];
  token: string | undefined;
}

export const RUNS_EACH = 500;

interface RunsAnswer {
  runs?: Run[];
  next_page_token?: string;
}

/** Runs page after page, and of each only what is shown, however much it logged besides. */
export const runsQuery = ({ experimentIds, filter, order, lifecycle, columns, each = RUNS_EACH }: RunsAsked) =>
  infiniteQueryOptions({
    queryKey: [...keys.runs, "list", { experimentIds, filter, order, lifecycle, columns, each }],
    queryFn: async ({ pageParam, signal }): Promise<RunsPage> => {
      const answer = await post<RunsAnswer>(
        "runs/search",
        {
          experiment_ids: experimentIds,
          filter,
          run_view_type: lifecycle,
          max_results: each,
          order_by: order ? [orderBy(order)] : undefined,
          page_token: pageParam,
          columns: askedColumns(columns),
        },
        { signal },
      );
      return { rows: (answer.runs ?? []).map((run) => rowOf(run, columns)), token: answer.next_page_token };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ token }) => token,
    placeholderData: keepPreviousData,
    // Whoever scrolled through thousands does not have them all asked for again by coming back to the window.
    refetchOnWindowFocus: ({ state }) => (state.data?.pages.length ?? 0) <= 2,
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 && state.data.pages[0]!.rows.some(({ info }) => info.status === "RUNNING") ? LIVE_LIST_MS : false),
  });

/** Ids that one question names; more are asked for in turns. */
const IDS_EACH = 200;

async function searchByIds(experimentIds: readonly string[], ids: readonly string[], columns: readonly Column[] | undefined, signal: AbortSignal): Promise<Run[]> {
  const runs: Run[] = [];
  for (let at = 0; at < ids.length; at += IDS_EACH) {
    const filter = `attributes.run_id IN (${ids.slice(at, at + IDS_EACH).map(quoteValue).join(", ")})`;
    const asked = columns && askedColumns(columns);
    const answer = await post<RunsAnswer>("runs/search", { experiment_ids: experimentIds, filter, run_view_type: "ALL", max_results: IDS_EACH, columns: asked }, { signal });
    runs.push(...(answer.runs ?? []));
  }
  return runs;
}

const inOrder = (ids: readonly string[], runs: Iterable<Run>) => {
  const found = new Map([...runs].map((run) => [run.info.run_id, run]));
  return ids.flatMap((id) => found.get(id) ?? []);
};

/** Chosen runs of an experiment, in the order of their ids, with what is shown of them. Those that are not there (any more) are missing. */
export const chosenRowsQuery = (experimentId: string, ids: readonly string[], columns: readonly Column[]) =>
  queryOptions({
    queryKey: [...keys.runs, "chosen-rows", { experimentId, ids, columns }],
    queryFn: async ({ signal }) => inOrder(ids, await searchByIds([experimentId], ids, columns, signal)).map((run) => rowOf(run, columns)),
    placeholderData: keepPreviousData,
  });

/** Runs by their ids with all that they logged, in the order of the ids. One that is not there is a fault. */
export const runsByIdQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...keys.runs, "chosen", { ids }],
    queryFn: async ({ signal }) => {
      // Runs that are compared are mostly of one experiment: the first one tells of which.
      const first = await runOf(ids[0]!, signal);
      const near = await searchByIds([first.info.experiment_id], ids.slice(1), undefined, signal);
      const known = new Set([first, ...near].map(({ info }) => info.run_id));
      const far = await Promise.all(ids.filter((id) => !known.has(id)).map((id) => runOf(id, signal)));
      return inOrder(ids, [first, ...near, ...far]);
    },
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });

async function runOf(id: string, signal: AbortSignal): Promise<Run> {
  return (await get<{ run: Run }>("runs/get", { run_id: id }, { signal })).run;
}

/** A run; while it goes on and the page is seen, every two seconds. */
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.runs, "one", id],
    queryFn: ({ signal }) => runOf(id, signal),
    refetchInterval: ({ state }) => (state.data?.info.status === "RUNNING" ? LIVE_MS : false),
  });

/** The runs below a run. */
export const childrenQuery = (experimentId: string, runId: string) =>
  queryOptions({
    queryKey: [...keys.runs, "children", experimentId, runId],
    queryFn: async ({ signal }) => {
      const filter = `tags.\`mlflow.parentRunId\` = ${quoteValue(runId)}`;
      const answer = await post<RunsAnswer>("runs/search", { experiment_ids: [experimentId], filter, max_results: 100, columns: [] }, { signal });
      return (answer.runs ?? []).map((run) => run.info);
    },
  });

/**
 * The values of a metric of several runs. `at` says what is known of its newest value: the question is asked anew only when
 * something was logged since.
 */
export const historyQuery = (runIds: readonly string[], key: string, at = "") =>
  queryOptions({
    queryKey: [...keys.history, key, runIds, at],
    queryFn: async ({ signal }) => {
      const lines = new Map<string, Point[]>(runIds.map((id) => [id, []]));
      // The server takes a hundred runs at a time.
      for (let from = 0; from < runIds.length; from += 100) {
        const answer = await get<{ metrics?: Metric[] }>(
          "metrics/get-history-bulk-interval",
          { run_ids: runIds.slice(from, from + 100), metric_key: key, max_results: pointsEach(runIds.length) },
          { signal },
        );
        for (const [id, metrics] of grouped(answer.metrics ?? [], (metric) => metric.run_id ?? runIds[0]!)) lines.set(id, pointsOf(metrics));
      }
      return lines;
    },
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });

export const artifactsQuery = (runId: string, path: string) =>
  queryOptions({
    queryKey: [...keys.runs, "artifacts", runId, path],
    queryFn: async ({ signal }) => (await get<{ files?: ArtifactFile[] }>("artifacts/list", { run_id: runId, path: path || undefined }, { signal })).files ?? [],
    staleTime: 10_000,
  });

export const artifactTextQuery = (runId: string, path: string, bytes: number) =>
  queryOptions({
    queryKey: [...keys.runs, "artifact", runId, path, bytes],
    queryFn: ({ signal }) => artifactText(runId, path, bytes, signal),
    staleTime: 60_000,
    gcTime: 30_000,
  });

/**
 * A page of somebody else's that the server shows in a frame, with an origin and a policy of its own: the servers that it would load from,
 * which that policy refuses. Null where the server does not.
 */
export const framedQuery = (runId: string, path: string) =>
  queryOptions({
    queryKey: [...keys.runs, "framed", runId, path],
    queryFn: async ({ signal }) => ((await isFramed(runId, path, signal)) ? { hosts: hostsOf((await artifactText(runId, path, HEAD_BYTES, signal)).text) } : null),
    staleTime: 60_000,
  });

export const loggedModelQuery = (id: string) =>
  queryOptions({
    queryKey: ["ml", "logged-models", id],
    queryFn: async ({ signal }) => (await get<{ model: LoggedModel }>(`logged-models/${encodeURIComponent(id)}`, {}, { signal })).model,
    staleTime: 60_000,
  });

/* Writes. */

const ofExperiments = [keys.experiments, keys.runs] as const;

export const useCreateExperiment = () => useWrite((name: string) => post<{ experiment_id: string }>("experiments/create", { name }), keys.experiments);

export const useRenameExperiment = (id: string) => useWrite((name: string) => post("experiments/update", { experiment_id: id, new_name: name }), keys.experiments);

export const useLifeOfExperiment = (id: string) =>
  useWrite((act: "delete" | "restore") => post(`experiments/${act}`, { experiment_id: id }), ...ofExperiments);

/** A value of undefined takes the tag away. */
export interface TagChange {
  key: string;
  value: string | undefined;
}

export const useTagExperiment = (id: string) =>
  useWrite(
    ({ key, value }: TagChange) =>
      value === undefined ? post("experiments/delete-experiment-tag", { experiment_id: id, key }) : post("experiments/set-experiment-tag", { experiment_id: id, key, value }),
    keys.experiments,
  );

export const useRenameRun = (id: string) => useWrite((name: string) => post("runs/update", { run_id: id, run_name: name }), keys.runs);

/** One after the other: a fault ends it, and what was done before it stays done. */
export const useLifeOfRuns = () =>
  useWrite(async ({ act, ids }: { act: "delete" | "restore"; ids: readonly string[] }) => {
    for (const id of ids) await post(`runs/${act}`, { run_id: id });
  }, keys.runs);

export const useTagRun = (id: string) =>
  useWrite(({ key, value }: TagChange) => (value === undefined ? post("runs/delete-tag", { run_id: id, key }) : post("runs/set-tag", { run_id: id, key, value })), keys.runs);

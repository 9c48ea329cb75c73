import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import { quoteValue } from "./columns";
import { keys } from "./queries";
import type { Trace, TraceInfo } from "./types";

const TRACES_EACH = 100;

export interface TracesAsked {
  experimentId: string;
  filter?: string;
  /** Only those that belong to a run. */
  runId?: string;
}

export const tracesQuery = ({ experimentId, filter, runId }: TracesAsked) =>
  infiniteQueryOptions({
    queryKey: [...keys.traces, "list", { experimentId, filter, runId }],
    queryFn: async ({ pageParam, signal }) => {
      const clauses = [filter, runId && `attributes.run_id = ${quoteValue(runId)}`].filter(Boolean);
      const answer = await post<{ traces?: TraceInfo[]; next_page_token?: string }>(
        "traces/search",
        {
          locations: [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: experimentId } }],
          filter: clauses.join(" AND ") || undefined,
          max_results: TRACES_EACH,
          order_by: ["timestamp_ms DESC"],
          page_token: pageParam,
        },
        { newer: true, signal },
      );
      return { items: answer.traces ?? [], token: answer.next_page_token };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ token }) => token,
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });

export const traceQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.traces, "one", id],
    queryFn: async ({ signal }) => (await get<{ trace: Trace }>("traces/get", { trace_id: id }, { newer: true, signal })).trace,
    refetchInterval: ({ state }) => (state.data?.trace_info.state === "IN_PROGRESS" ? 2_000 : false),
  });

/** What a trace is called: by its name, else by what it was asked. */
export function traceName(trace: TraceInfo): string {
  return trace.tags?.["mlflow.traceName"] || trace.request_preview || trace.trace_id;
}

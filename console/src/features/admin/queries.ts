import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Task } from "@/api/types";
import { client, ok } from "@/lib/client";

export const keys = {
  tasks: ["admin", "tasks"] as const,
  system: ["admin", "system"] as const,
  ready: ["admin", "ready"] as const,
};

export interface TaskFilters {
  page: number;
  state?: Task["state"];
}

const moving = (task: Task) => task.state === "pending" || task.state === "running" || task.state === "retrying";

export const tasksQuery = (filters: TaskFilters) =>
  queryOptions({
    queryKey: [...keys.tasks, filters],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/tasks", { params: { query: { ...filters, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
    // Changes are told over realtime; this is for the time without.
    refetchInterval: (query) => (query.state.data?.items.some(moving) ? 5_000 : 30_000),
  });

export const systemQuery = queryOptions({
  queryKey: keys.system,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/system", { signal })),
  refetchInterval: 10_000,
});

export interface Ready {
  status: string;
  checks: Record<string, string>;
}

/** Readiness as the load balancer sees it. Its 503 is an answer here, not a failure. */
export const readyQuery = queryOptions({
  queryKey: keys.ready,
  queryFn: async ({ signal }): Promise<Ready> => {
    const answer = await fetch("/health/ready", { signal, headers: { Accept: "application/json" } });
    const body = (await answer.json()) as Partial<Ready>;
    return { status: body.status ?? (answer.ok ? "ready" : "not ready"), checks: body.checks ?? {} };
  },
  refetchInterval: 10_000,
});

/** Forgets: tasks. */
export function useCancelTask() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ok(client.POST("/api/v1/tasks/{id}/cancel", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.tasks }),
  });
}

/** Forgets: tasks. */
export function useRetryTask() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ok(client.POST("/api/v1/tasks/{id}/retry", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.tasks }),
  });
}

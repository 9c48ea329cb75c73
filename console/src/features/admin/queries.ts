import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { ScheduleChange, Setting, Task } from "@/api/types";
import { client, ok } from "@/lib/client";
import type { Locale } from "@/lib/i18n";
import { installationKey } from "@/lib/installation";
import { useWrite } from "@/lib/queries-client";

export const keys = {
  tasks: ["admin", "tasks"] as const,
  queues: ["admin", "queues"] as const,
  schedules: ["admin", "schedules"] as const,
  runs: ["admin", "schedule-runs"] as const,
  cache: ["admin", "cache"] as const,
  limits: ["admin", "limits"] as const,
  settings: ["admin", "settings"] as const,
  changes: ["admin", "setting-changes"] as const,
  heard: ["admin", "heard"] as const,
  system: ["admin", "system"] as const,
  ready: ["admin", "ready"] as const,
};

// Changes are told over realtime where the server does; the intervals are for the rest, and for the time without.

export interface TaskFilters {
  page: number;
  state?: Task["state"];
  kind?: string;
  queue?: string;
  /** `installation`: of no workspace, such as what schedules make. */
  scope?: "installation";
}

export const moving = (task: Task) => task.state === "pending" || task.state === "running" || task.state === "retrying";

export const tasksQuery = (filters: TaskFilters) =>
  queryOptions({
    queryKey: [...keys.tasks, "list", filters],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/tasks", { params: { query: { ...filters, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.items.some(moving) ? 5_000 : 30_000),
  });

export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.tasks, "one", id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/tasks/{id}", { params: { path: { id } }, signal })),
    refetchInterval: (query) => (query.state.data && moving(query.state.data) ? 5_000 : false),
  });

/** Forgets: tasks, queues. */
export const useCancelTask = () =>
  useWrite((id: string) => ok(client.POST("/api/v1/tasks/{id}/cancel", { params: { path: { id } } })), keys.tasks, keys.queues);

/** Forgets: tasks, queues. */
export const useRetryTask = () =>
  useWrite((id: string) => ok(client.POST("/api/v1/tasks/{id}/retry", { params: { path: { id } } })), keys.tasks, keys.queues);

/** Forgets: the lists of tasks, queues. The task itself is gone, and not asked for again. */
export const useDiscardTask = () =>
  useWrite((id: string) => ok(client.DELETE("/api/v1/tasks/{id}", { params: { path: { id } } })), [...keys.tasks, "list"], keys.queues);

export const queuesQuery = queryOptions({
  queryKey: keys.queues,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/queues", { signal }))).items,
  refetchInterval: 5_000,
});

/** Forgets: queues. */
export const useHoldQueue = () =>
  useWrite(
    ({ name, pause }: { name: string; pause: boolean }) =>
      pause
        ? ok(client.POST("/api/v1/queues/{name}/pause", { params: { path: { name } } }))
        : ok(client.POST("/api/v1/queues/{name}/resume", { params: { path: { name } } })),
    keys.queues,
  );

export const schedulesQuery = queryOptions({
  queryKey: keys.schedules,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/schedules", { signal }))).items,
  refetchInterval: 15_000,
});

export const scheduleQuery = (name: string) =>
  queryOptions({
    queryKey: [...keys.schedules, name],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/schedules/{name}", { params: { path: { name } }, signal })),
    refetchInterval: 15_000,
  });

export const runsQuery = (name: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.runs, name],
    queryFn: ({ pageParam, signal }) => ok(client.GET("/api/v1/schedules/{name}/runs", { params: { path: { name }, query: { cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: 5_000,
  });

/** Forgets: schedules. */
export const useChangeSchedule = (name: string) =>
  useWrite((body: ScheduleChange) => ok(client.PATCH("/api/v1/schedules/{name}", { params: { path: { name } }, body })), keys.schedules);

/** Forgets: schedules. */
export const useResetSchedule = (name: string) =>
  useWrite(() => ok(client.DELETE("/api/v1/schedules/{name}/overrides", { params: { path: { name } } })), keys.schedules);

/** Forgets: schedules, their runs, tasks. */
export const useRunSchedule = (name: string) =>
  useWrite(() => ok(client.POST("/api/v1/schedules/{name}/run", { params: { path: { name } } })), keys.schedules, keys.runs, keys.tasks);

export const cacheQuery = queryOptions({
  queryKey: keys.cache,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/cache", { signal })),
  refetchInterval: 5_000,
});

/** One namespace, or all of them (null). Forgets: cache. */
export const useClearCache = () =>
  useWrite(
    (namespace: string | null) =>
      namespace === null ? ok(client.DELETE("/api/v1/cache")) : ok(client.DELETE("/api/v1/cache/{namespace}", { params: { path: { namespace } } })),
    keys.cache,
  );

export const limitsQuery = queryOptions({
  queryKey: keys.limits,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/limits", { signal })),
  refetchInterval: 10_000,
});

/** Titles come in the language that is asked for: another one is another answer. */
export const settingsQuery = (locale: Locale) =>
  queryOptions({
    queryKey: [...keys.settings, locale],
    queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/settings", { signal }))).items,
  });

export const changesQuery = (key?: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.changes, key ?? null],
    queryFn: ({ pageParam, signal }) => ok(client.GET("/api/v1/settings/changes", { params: { query: { key, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

/** Forgets: settings, their changes. */
export const useChangeSetting = (key: string) =>
  useWrite((value: Setting["value"]) => ok(client.PUT("/api/v1/settings/{key}", { params: { path: { key } }, body: { value } })), keys.settings, keys.changes, installationKey);

/** Back to the default. Forgets: settings, their changes. */
export const useResetSetting = (key: string) =>
  useWrite(() => ok(client.DELETE("/api/v1/settings/{key}", { params: { path: { key } } })), keys.settings, keys.changes, installationKey);

/** `force` where the value was changed since. Forgets: settings, their changes. */
export const useUndoChange = () =>
  useWrite(
    ({ id, force }: { id: string; force: boolean }) =>
      ok(client.POST("/api/v1/settings/changes/{id}/undo", { params: { path: { id }, query: force ? { force } : {} } })),
    keys.settings,
    keys.changes,
    installationKey,
  );

/** What was heard before this page was open. Not asked again by itself: the socket tells what follows. */
export const heardQuery = infiniteQueryOptions({
  queryKey: keys.heard,
  queryFn: ({ pageParam, signal }) => ok(client.GET("/api/v1/realtime/events", { params: { query: { cursor: pageParam, limit: 50 } }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => last.next_cursor ?? undefined,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
  gcTime: 0,
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

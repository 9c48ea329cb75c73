import { infiniteQueryOptions, keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { CameraInput, CameraPatch, Source, ZoneInput } from "@/api/types";
import { client, ok, raw, upload } from "@/lib/client";
import { eventQuery, type EventFilters } from "./filters";

/** Keys, so that writes and realtime events forget exactly what reads keep. */
export const keys = {
  cameras: ["surveillance", "cameras"] as const,
  camera: (id: string) => [...keys.cameras, id] as const,
  events: ["surveillance", "events"] as const,
  event: (id: string) => [...keys.events, "one", id] as const,
  stats: ["surveillance", "stats"] as const,
  models: ["surveillance", "models"] as const,
};

const base = "/api/v1/surveillance";

/** All cameras, in pages of 100 as the server allows. */
export const camerasQuery = queryOptions({
  queryKey: keys.cameras,
  queryFn: async ({ signal }) => {
    const read = (page: number) => ok(client.GET(`${base}/cameras`, { params: { query: { page, page_size: 100 } }, signal }));
    const first = await read(1);
    const rest = await Promise.all(Array.from({ length: Math.max(0, first.total_pages - 1) }, (_, index) => read(index + 2)));
    return [first, ...rest].flatMap((page) => page.items);
  },
  // Health moves without an event for every figure; events tell the changes of state.
  refetchInterval: 10_000,
});

export const cameraQuery = (id: string) =>
  queryOptions({
    queryKey: keys.camera(id),
    queryFn: ({ signal }) => ok(client.GET(`${base}/cameras/{id}`, { params: { path: { id } }, signal })),
    refetchInterval: 5_000,
  });

export const eventsQuery = (filters: EventFilters, limit = 30) =>
  infiniteQueryOptions({
    queryKey: [...keys.events, "list", filters, limit],
    queryFn: ({ pageParam, signal }) =>
      ok(
        client.GET(`${base}/events`, {
          params: { query: { ...eventQuery(filters), limit, ...(pageParam === null ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    placeholderData: keepPreviousData,
  });

export const eventDetailQuery = (id: string) =>
  queryOptions({
    queryKey: keys.event(id),
    queryFn: ({ signal }) => ok(client.GET(`${base}/events/{id}`, { params: { path: { id } }, signal })),
    // A clip is written after the event; its end is also told as an event.
    refetchInterval: (query) => (query.state.data?.clip_state === "recording" ? 4000 : false),
  });

export const statsQuery = (days: number) =>
  queryOptions({
    queryKey: [...keys.stats, days],
    queryFn: ({ signal }) => {
      const to = new Date();
      const from = new Date(to.getTime() - days * 86_400_000);
      return ok(client.GET(`${base}/stats`, { params: { query: { from: from.toISOString(), to: to.toISOString() } }, signal }));
    },
    placeholderData: keepPreviousData,
  });

export const modelsQuery = queryOptions({
  queryKey: keys.models,
  queryFn: ({ signal }) => ok(client.GET(`${base}/models`, { params: { query: { page_size: 100 } }, signal })),
});

/** Who acknowledged: an id becomes a name for those who may see people. */
export const personQuery = (id: string) =>
  queryOptions({
    queryKey: ["surveillance", "person", id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/users/{id}", { params: { path: { id } }, signal })),
    staleTime: 300_000,
    retry: false,
  });

/** Tries a source without keeping it. Writes nothing, so nothing is forgotten. */
export function useTestSource() {
  return useMutation({ mutationFn: (source: Source) => ok(client.POST(`${base}/cameras/test`, { body: { source } })) });
}

/** Forgets: cameras. */
export function useCreateCamera() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: CameraInput) => ok(client.POST(`${base}/cameras`, { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.cameras }),
  });
}

/** Forgets: cameras. */
export function useUpdateCamera(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: CameraPatch) => ok(client.PATCH(`${base}/cameras/{id}`, { params: { path: { id } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.cameras }),
  });
}

/** Forgets: cameras. */
export function useRestartCamera(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => ok(client.POST(`${base}/cameras/{id}/restart`, { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.cameras }),
  });
}

/** Forgets: cameras and what counts them. The camera's own query goes at once, since it can only fail now. */
export function useDeleteCamera(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => ok(client.DELETE(`${base}/cameras/{id}`, { params: { path: { id } } })),
    onSuccess: () => {
      queries.removeQueries({ queryKey: keys.camera(id) });
      queries.invalidateQueries({ queryKey: keys.stats });
      return queries.invalidateQueries({ queryKey: keys.cameras, exact: true });
    },
  });
}

/** Forgets: cameras. */
export function useSaveZones(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: ZoneInput[]) => ok(client.PUT(`${base}/cameras/{id}/zones`, { params: { path: { id } }, body })),
    onSuccess: (camera) => {
      queries.setQueryData(keys.camera(id), camera);
      return queries.invalidateQueries({ queryKey: keys.cameras, exact: true });
    },
  });
}

/** Forgets: cameras. */
export function useImportCameras() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (yaml: string) => {
      const answer = await raw(`${base}/cameras.yaml`, {
        method: "POST",
        headers: { "Content-Type": "application/yaml" },
        body: yaml,
      });
      return (await answer.json()) as { created: number; updated: number; unchanged: number };
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.cameras }),
  });
}

/** Forgets: events and statistics. */
export function useAcknowledge() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ ids, comment }: { ids: string[]; comment?: string }) => {
      if (ids.length !== 1) return ok(client.POST(`${base}/events/acknowledge`, { body: { ids, comment } }));
      const event = await ok(
        client.POST(`${base}/events/{id}/acknowledge`, { params: { path: { id: ids[0]! } }, body: { comment } }),
      );
      queries.setQueryData(keys.event(event.id), event);
      return { acknowledged: 1 };
    },
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: keys.stats });
      return queries.invalidateQueries({ queryKey: keys.events });
    },
  });
}

/** Forgets: models. */
export function useUploadModel() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ file, name, declaration, onProgress }: { file: File; name: string; declaration: string; onProgress: (share: number) => void }) => {
      const form = new FormData();
      if (name !== "") form.append("name", name);
      if (declaration.trim() !== "") form.append("detection", declaration);
      form.append("file", file);
      return upload(`${base}/models`, form, onProgress);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.models }),
  });
}

/** Forgets: models and cameras, whose detector it is. */
export function useActivateModel() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ok(client.POST(`${base}/models/{id}/activate`, { params: { path: { id } } })),
    onSuccess: () => {
      queries.invalidateQueries({ queryKey: keys.cameras });
      return queries.invalidateQueries({ queryKey: keys.models });
    },
  });
}

/** Forgets: models. */
export function useDeleteModel() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ok(client.DELETE(`${base}/models/{id}`, { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.models }),
  });
}

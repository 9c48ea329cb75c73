import { infiniteQueryOptions, useMutation } from "@tanstack/react-query";
import { client, ok } from "@/lib/client";

export interface AuditFilters {
  action?: string;
  actor?: string;
  target?: string;
  address?: string;
  q?: string;
  from?: string;
  to?: string;
}

export const auditQuery = (filters: AuditFilters) =>
  infiniteQueryOptions({
    queryKey: ["audit", "entries", filters],
    queryFn: ({ signal, pageParam }) =>
      ok(client.GET("/api/v1/audit", { params: { query: { ...filters, limit: 50, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** Walks the whole chain on the server: asked for by hand, and told once. The log must still hold the head of an earlier check, if one is given. */
export const useVerifyAudit = () => useMutation({ mutationFn: (since_head?: string) => ok(client.GET("/api/v1/audit/verify", { params: { query: since_head ? { since_head } : {} } })) });

/** Where the browser downloads what the filters let through. */
export function exportAddress(format: "csv" | "json", filters: AuditFilters): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filters) as [string, string | undefined][]) if (value) query.set(name, value);
  return `/api/v1/audit/export?${query.toString()}`;
}

import { queryOptions, useQuery } from "@tanstack/react-query";
import { client, ok } from "./client";

export const installationKey = ["installation"] as const;

/** What administrators say of the whole: open to visitors. */
export const installationQuery = queryOptions({
  queryKey: installationKey,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/installation", { signal })),
  staleTime: 300_000,
  retry: false,
});

/** What this installation is called; the product's own name until something else is known. */
export function useInstallationName(): string {
  return useQuery(installationQuery).data?.name || "Socle";
}

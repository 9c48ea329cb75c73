import { queryOptions, useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import type { Me } from "@/api/types";
import { client, ok } from "./client";
import { realtime } from "./realtime-react";

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => ok(client.GET("/api/v1/auth/me", { signal })),
  staleTime: 60_000,
});

/** Who is signed in. Only below the shell, which does not show without. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

export function useCan(permission: string): boolean {
  return useMe().permissions.includes(permission);
}

/** A way in, whatever it asks for: who came in is known at once, and nothing of whoever was here before is kept. */
export function useWayIn<Input>(mutationFn: (input: Input) => Promise<Me>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: (me) => {
      queries.clear();
      queries.setQueryData(meQuery.queryKey, me);
    },
  });
}

export const useSignIn = () =>
  useWayIn((body: { email: string; password: string }) => ok(client.POST("/api/v1/auth/session", { body })));

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => ok(client.DELETE("/api/v1/auth/session")),
    onSuccess: () => {
      realtime.stop();
      queries.clear();
    },
  });
}

/** Everything on the page belongs to a workspace: the switch forgets all that was loaded. */
export function useSwitchWorkspace() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (workspace_id: string) => ok(client.POST("/api/v1/auth/workspace", { body: { workspace_id } })),
    onSuccess: (answer) => {
      // Bearers are answered with tokens; a browser, whose session is a cookie, with who it is now.
      if ("access_token" in answer) return undefined;
      realtime.stop();
      queries.setQueryData(meQuery.queryKey, answer);
      realtime.start();
      return queries.invalidateQueries();
    },
  });
}

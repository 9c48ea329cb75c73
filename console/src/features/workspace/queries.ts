import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { client, ok } from "@/lib/client";
import { useWrite } from "@/lib/queries-client";
import { meQuery } from "@/lib/session";

export const keys = {
  members: ["workspace", "members"] as const,
  invitations: ["workspace", "invitations"] as const,
  // Where others ask for the list too.
  roles: ["identity", "roles"] as const,
  permissions: ["workspace", "permissions"] as const,
  quotas: ["workspace", "quotas"] as const,
  present: ["workspace", "present"] as const,
  all: ["workspace", "all"] as const,
};

export interface MemberFilters {
  page: number;
  search?: string;
  role?: string;
}

export const membersQuery = (filters: MemberFilters) =>
  queryOptions({
    queryKey: [...keys.members, filters],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/users", { params: { query: { ...filters, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

/** Forgets: members. The answer is the member as they are now. */
export const useSetRole = () =>
  useWrite(
    ({ id, role, has }: { id: string; role: string; has: boolean }) => 
      has
        ? ok(client.PUT("/api/v1/users/{id}/roles/{role}", { params: { path: { id, role } } }))
        : ok(client.DELETE("/api/v1/users/{id}/roles/{role}", { params: { path: { id, role } } })),
    keys.members,
    meQuery.queryKey,
  );

/** Forgets: members. */
export const useRemoveMember = () => useWrite((user_id: string) => ok(client.DELETE("/api/v1/members/{user_id}", { params: { path: { user_id } } })), keys.members);

export const invitationsQuery = (page: number) =>
  queryOptions({
    queryKey: [...keys.invitations, page],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/invitations", { params: { query: { page, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

/** Forgets: invitations. */
export const useInvite = () =>
  useWrite((body: { email: string; role: string; locale: "en" | "fr" }) => ok(client.POST("/api/v1/invitations", { body })), keys.invitations);

/** Forgets: invitations. */
export const useResendInvitation = () => useWrite((id: string) => ok(client.POST("/api/v1/invitations/{id}/resend", { params: { path: { id } } })), keys.invitations);

/** Forgets: invitations. */
export const useRevokeInvitation = () => useWrite((id: string) => ok(client.DELETE("/api/v1/invitations/{id}", { params: { path: { id } } })), keys.invitations);

export const rolesQuery = queryOptions({
  queryKey: [...keys.roles, "all"],
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/roles", { params: { query: { page_size: 100 } }, signal }))).items,
  staleTime: 60_000,
});

export const roleQuery = (name: string) =>
  queryOptions({
    queryKey: [...keys.roles, "one", name],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/roles/{name}", { params: { path: { name } }, signal })),
  });

export const permissionsQuery = queryOptions({
  queryKey: keys.permissions,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/permissions", { params: { query: { page_size: 100 } }, signal }))).items,
  staleTime: Infinity,
});

/** Forgets: roles. */
export const useCreateRole = () =>
  useWrite((body: { name: string; description: string; permissions: string[] }) => ok(client.POST("/api/v1/roles", { body })), keys.roles);

/** Forgets: roles, and who is signed in, whose permissions may be others now. */
export const useUpdateRole = (name: string) =>
  useWrite(
    (body: { description?: string; permissions?: string[] }) => ok(client.PATCH("/api/v1/roles/{name}", { params: { path: { name } }, body })),
    keys.roles,
    meQuery.queryKey,
  );

/** Forgets: the list of roles. The role itself is gone, and not asked for again. */
export const useDeleteRole = () => useWrite((name: string) => ok(client.DELETE("/api/v1/roles/{name}", { params: { path: { name } } })), rolesQuery.queryKey);

export const quotasQuery = queryOptions({
  queryKey: keys.quotas,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/quotas", { signal }))).items,
  refetchInterval: 30_000,
});

export const workspaceQuotasQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.quotas, id],
    queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/workspaces/{id}/quotas", { params: { path: { id } }, signal }))).items,
  });

/** Forgets: quotas. */
export const useSetQuotas = (id: string) =>
  useWrite((body: Record<string, number | null>) => ok(client.PUT("/api/v1/workspaces/{id}/quotas", { params: { path: { id } }, body })), keys.quotas);

export const workspaceQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.present, id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/workspaces/{id}", { params: { path: { id } }, signal })),
  });

/** Forgets: the workspace, the list of all, and who is signed in, which tells its name. */
export const useUpdateWorkspace = (id: string) =>
  useWrite(
    (body: { name?: string; slug?: string }) => ok(client.PATCH("/api/v1/workspaces/{id}", { params: { path: { id } }, body })),
    keys.present,
    keys.all,
    meQuery.queryKey,
  );

export const useCreateWorkspace = () =>
  useMutation({ mutationFn: (name: string) => ok(client.POST("/api/v1/workspaces", { body: { name } })) });

/** What was loaded belongs to a workspace that is no longer there for this person: all of it is forgotten. */
function useGone<Input>(mutationFn: (input: Input) => Promise<unknown>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn, onSuccess: () => queries.resetQueries() });
}

export const useLeaveWorkspace = () => useGone((id: string) => ok(client.POST("/api/v1/workspaces/{id}/leave", { params: { path: { id } } })));

export const useDeleteWorkspace = () =>
  useGone(({ id, confirm }: { id: string; confirm: string }) => ok(client.DELETE("/api/v1/workspaces/{id}", { params: { path: { id } }, body: { confirm } })));

export const allWorkspacesQuery = (filters: { page: number; deleted: boolean }) =>
  queryOptions({
    queryKey: [...keys.all, filters],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/installation/workspaces", { params: { query: { ...filters, page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

/** Forgets: all workspaces. */
export const useRestoreWorkspace = () => useWrite((id: string) => ok(client.POST("/api/v1/workspaces/{id}/restore", { params: { path: { id } } })), keys.all, meQuery.queryKey);

/** Forgets: all workspaces. */
export const useDeleteOther = () =>
  useWrite(({ id, confirm }: { id: string; confirm: string }) => ok(client.DELETE("/api/v1/workspaces/{id}", { params: { path: { id } }, body: { confirm } })), keys.all, meQuery.queryKey);

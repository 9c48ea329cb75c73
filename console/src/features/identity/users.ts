import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { User } from "@/api/types";
import { client, ok } from "@/lib/client";
import { toProblem } from "@/lib/problem";
import { useWrite } from "@/lib/queries-client";
import { keys } from "./queries";

// The accounts of others, for those who look after them.

export interface UserFilters {
  page: number;
  search?: string;
  role?: string;
  is_active?: boolean;
  is_verified?: boolean;
  deleted?: boolean;
}

export const usersQuery = (filters: UserFilters) =>
  queryOptions({
    queryKey: [...keys.users, "list", filters],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/users", { params: { query: { ...filters, kind: "person", page_size: 20 } }, signal })),
    placeholderData: keepPreviousData,
  });

export const userQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.users, "one", id],
    queryFn: ({ signal }) =>
      ok(client.GET("/api/v1/users/{id}", { params: { path: { id } }, signal })).catch(async (error: unknown) => {
        const deleted = toProblem(error).status === 404 ? await deletedUser(id, signal) : undefined;
        if (!deleted) throw error;
        return deleted;
      }),
  });

/** Who was deleted is only in the list of the deleted. */
async function deletedUser(id: string, signal: AbortSignal): Promise<User | undefined> {
  for (let page = 1; ; page++) {
    const list = await ok(client.GET("/api/v1/users", { params: { query: { deleted: true, page, page_size: 100 } }, signal }));
    const found = list.items.find((user) => user.id === id);
    if (found || page >= list.total_pages) return found;
  }
}

export interface NewUserInput {
  email: string;
  first_name: string;
  last_name: string;
  role: string;
  password?: string;
  send_link?: boolean;
}

/** Forgets: users. */
export const useCreateUser = () => useWrite((body: NewUserInput) => ok(client.POST("/api/v1/users", { body })), keys.users);

export interface UserChange {
  first_name?: string;
  last_name?: string;
  email?: string;
  is_active?: boolean;
  is_verified?: boolean;
}

/** Forgets: users. */
export const useUpdateUser = (id: string) => useWrite((body: UserChange) => ok(client.PATCH("/api/v1/users/{id}", { params: { path: { id } }, body })), keys.users);

/** Forgets: users. */
export const useDeleteUser = () => useWrite((id: string) => ok(client.DELETE("/api/v1/users/{id}", { params: { path: { id } } })), keys.users);

/** Forgets: users. */
export const useRestoreUser = () => useWrite((id: string) => ok(client.POST("/api/v1/users/{id}/restore", { params: { path: { id } } })), keys.users);

/** Forgets: the lists of users. The account itself is gone, and not asked for again. */
export const usePurgeUser = () => useWrite((id: string) => ok(client.POST("/api/v1/users/{id}/purge", { params: { path: { id } } })), [...keys.users, "list"]);

/** With `send` by mail, else told here. */
export const useResetLink = (id: string) =>
  useWrite((send: boolean) => ok(client.POST("/api/v1/users/{id}/reset-password", { params: { path: { id } }, body: { send } })));

/** Forgets: sessions of users. */
export const useResetSecondFactor = (id: string) =>
  useWrite(() => ok(client.DELETE("/api/v1/users/{id}/second-factor", { params: { path: { id } } })), keys.userSessions, keys.users);

export const userSessionsQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.userSessions, id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/users/{id}/sessions", { params: { path: { id }, query: { page_size: 100 } }, signal })),
  });

/** Forgets: sessions of users. */
export const useEndUserSessions = (id: string) => useWrite(() => ok(client.DELETE("/api/v1/users/{id}/sessions", { params: { path: { id } } })), keys.userSessions);

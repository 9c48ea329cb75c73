import { useQueryClient } from "@tanstack/react-query";
import { useTopic } from "@/lib/realtime-react";
import { keys } from "./queries";

/**
 * The bell counts as the server tells it, on every page and in every tab. Stands once, in the shell, which holds the room
 * `user:…`; that room tells of all the workspaces that one is in.
 */
export function useNotificationsLive(workspace: string) {
  const queries = useQueryClient();
  useTopic("notifications.", ({ data }) => {
    const told = (data ?? {}) as { workspace_id?: unknown; unread_count?: unknown };
    if (told.workspace_id !== undefined && told.workspace_id !== workspace) return;
    const count = told.unread_count;
    if (typeof count === "number") queries.setQueryData(keys.unread, count);
    else queries.invalidateQueries({ queryKey: keys.unread });
    queries.invalidateQueries({ queryKey: keys.notifications });
  });
}

import { useQueryClient } from "@tanstack/react-query";
import { useTopic } from "@/lib/realtime-react";
import { keys } from "./queries";

/** A task that moved is read anew. Stands once, in the shell. */
export function useTasksLive() {
  const queries = useQueryClient();
  useTopic("jobs.task_changed", () => void queries.invalidateQueries({ queryKey: keys.tasks }));
}

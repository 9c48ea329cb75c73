import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { installationKey } from "@/lib/installation";
import { useTopic } from "@/lib/realtime-react";
import { keys } from "./queries";

/** A task tells its progress many times a second; the page asks again this often at most. */
const GATHER_MS = 300;

/** Tasks and settings that changed are read anew. Stands once, in the shell. */
export function useAdminLive() {
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useTopic("jobs.task_changed", () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      queries.invalidateQueries({ queryKey: keys.tasks });
      queries.invalidateQueries({ queryKey: keys.queues });
      queries.invalidateQueries({ queryKey: keys.runs });
    }, GATHER_MS);
  });
  useTopic("settings.", () => {
    queries.invalidateQueries({ queryKey: keys.settings });
    queries.invalidateQueries({ queryKey: keys.changes });
    queries.invalidateQueries({ queryKey: installationKey });
  });
  useEffect(() => () => clearTimeout(timer.current), []);
}

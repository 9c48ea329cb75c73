import { useQueryClient } from "@tanstack/react-query";
import { useTopic } from "@/lib/realtime-react";
import { keys } from "./queries";

/** What the registry tells is shown at once. Runs tell nothing: their pages ask while somebody looks. */
export function useMlLive() {
  const queries = useQueryClient();
  useTopic("ml.", ({ topic }) => {
    if (/^ml\.(registered_model|model_version)_/.test(topic)) queries.invalidateQueries({ queryKey: keys.models });
  });
}

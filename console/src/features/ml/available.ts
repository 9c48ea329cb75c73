import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { compareColumns, type Column, type Entity } from "./columns";
import { columnsQuery } from "./queries";

interface Available {
  columns: readonly Column[];
  /** Of these there are more than are listed: they are found by name. */
  more: readonly Entity[];
  isPending: boolean;
  error: unknown;
}

const NONE: readonly never[] = [];

/** The columns that there are, of those whose name holds the words. The server is asked for what is not among the first ones. */
export function useAvailable(experimentId: string, words = ""): Available {
  const text = words.trim().toLowerCase();
  const all = useQuery(columnsQuery(experimentId));
  const isWhole = all.data?.more.length === 0;
  const isAsked = text !== "" && all.data !== undefined && !isWhole;
  const found = useQuery({ ...columnsQuery(experimentId, text), enabled: isAsked });
  const columns = useMemo(() => {
    const listed = all.data?.columns ?? NONE;
    if (text === "") return listed;
    const near = listed.filter((column) => column.toLowerCase().includes(text));
    return [...new Set([...near, ...((isAsked && found.data?.columns) || NONE)])].sort(compareColumns);
  }, [all.data, found.data, text, isAsked]);
  return {
    columns,
    more: (isAsked ? found.data?.more : text === "" ? all.data?.more : undefined) ?? NONE,
    isPending: all.isPending || (isAsked && (found.isPending || found.isPlaceholderData)),
    error: all.error ?? (isAsked ? found.error : null),
  };
}

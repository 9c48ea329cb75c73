import { MutationCache, QueryCache, QueryClient, useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { toProblem } from "./problem";

/** One client for the page. A session that ended is told to `onSignedOut`, wherever it is noticed. */
export function createQueries(onSignedOut: () => void): QueryClient {
  const onError = (error: unknown) => {
    const problem = toProblem(error);
    if (problem.status === 401 && problem.code !== "identity.bad-credentials") onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // An answer is an answer: only silence and a server in trouble are asked again.
        retry: (count, error) => {
          const { status } = toProblem(error);
          return count < 2 && (status === 0 || status >= 500);
        },
      },
    },
  });
}

/** A write, and the reads that it makes stale. */
export function useWrite<Output, Input = void>(mutationFn: (input: Input) => Promise<Output>, ...stale: readonly QueryKey[]) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
}

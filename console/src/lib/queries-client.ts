import { MutationCache, QueryCache, QueryClient, useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { toProblem } from "./problem";

/** Refusals that say that the session is over. A wrong password or code is refused with 401 too, and ends nothing. */
const GONE = new Set(["unauthenticated", "identity.session-ended", "identity.token-refused"]);

/**
 * One client for the page. A session that ended is told to `onSignedOut`, one that must
 * first have a second step to `onFactorNeeded`, wherever it is noticed.
 */
export function createQueries(onSignedOut: () => void, onFactorNeeded: () => void): QueryClient {
  const onError = (error: unknown) => {
    const problem = toProblem(error);
    if (problem.status === 401 && GONE.has(problem.code)) onSignedOut();
    else if (problem.code === "identity.second-factor-needed") onFactorNeeded();
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

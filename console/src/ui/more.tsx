import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "./button";
import { Notice } from "./notice";

interface Endless {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  error: unknown;
  fetchNextPage: () => unknown;
}

/** The foot of a feed: the next part, where there is one. */
export function More({ query }: { query: Endless }) {
  const t = useT();
  if (!query.hasNextPage && !query.isFetchNextPageError) return null;
  return (
    <div className="space-y-2 border-t border-line px-4 py-2.5">
      {query.isFetchNextPageError && <Notice problem={toProblem(query.error)} />}
      <Button small isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
        {t("more")}
      </Button>
    </div>
  );
}

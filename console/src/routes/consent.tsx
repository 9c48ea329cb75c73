import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { ConsentSheet } from "@/features/access/components/consent-sheet";
import { consentQuery, useAnswerConsent } from "@/features/access/queries";
import { leaveFor } from "@/features/access/user-code";
import { Door } from "@/features/identity/components/door";
import { NotYou } from "@/features/identity/components/not-you";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { textOf } from "@/lib/search";
import { needSignIn } from "@/lib/signed-in";
import { Notice } from "@/ui/notice";
import { Loading } from "@/ui/states";

export const Route = createFileRoute("/consent")({
  validateSearch: (search: Record<string, unknown>): { request?: string } => ({ request: textOf(search.request) }),
  beforeLoad: needSignIn,
  component: ConsentPage,
});

function ConsentPage() {
  const t = useT();
  const { request } = Route.useSearch();
  const query = useQuery({ ...consentQuery(request ?? ""), enabled: request !== undefined });
  const answer = useAnswerConsent(request ?? "");
  const [left, setLeft] = useState<"no" | "yes" | "refused">("no");
  const problem = query.isError ? toProblem(query.error) : answer.isError ? toProblem(answer.error) : null;
  return (
    <Door title={query.data ? t("consent.title", { name: query.data.client.name }) : t("consent.titleShort")}>
      {!request ? (
        <Notice tone="bad">{t("consent.noRequest")}</Notice>
      ) : left === "yes" ? (
        <Notice tone="good">{t("consent.gone")}</Notice>
      ) : left === "refused" ? (
        <Notice tone="bad">{t("consent.badAddress")}</Notice>
      ) : (
        <div className="space-y-4">
          {problem && <Notice problem={problem} />}
          {query.data ? (
            <ConsentSheet
              consent={query.data}
              isPending={answer.isPending}
              onAnswer={(yes) => answer.mutate(yes, { onSuccess: ({ redirect_to }) => setLeft(leaveFor(redirect_to) ? "yes" : "refused") })}
            />
          ) : (
            !problem && <Loading rows={5} />
          )}
        </div>
      )}
      <NotYou />
    </Door>
  );
}

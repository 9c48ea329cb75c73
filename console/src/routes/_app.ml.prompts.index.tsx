import { createFileRoute } from "@tanstack/react-router";
import { useCallback } from "react";
import { RegistryPage } from "@/features/ml/components/registry-page";
import { useT } from "@/lib/i18n";
import { textOf } from "@/lib/search";
import { useCan } from "@/lib/session";
import { Page } from "@/ui/page";
import { Denied } from "@/ui/states";

export const Route = createFileRoute("/_app/ml/prompts/")({
  validateSearch: (search: Record<string, unknown>): { find?: string } => ({ find: textOf(search.find) }),
  component: Prompts,
});

function Prompts() {
  const t = useT();
  const allowed = useCan("ml.models.read");
  const { find } = Route.useSearch();
  const navigate = Route.useNavigate();
  const onFind = useCallback((next: string | undefined) => void navigate({ search: { find: next }, replace: true }), [navigate]);
  return <Page title={t("ml.prompts")}>{allowed ? <RegistryPage isPrompts={true} find={find} onFind={onFind} /> : <Denied />}</Page>;
}

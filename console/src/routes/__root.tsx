import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Link, Outlet } from "@tanstack/react-router";
import { Signpost } from "lucide-react";
import { I18nProvider } from "react-aria-components";
import { ConfirmIdentity } from "@/features/identity/components/confirm-identity";
import { TAGS, useLocale, useT } from "@/lib/i18n";
import { Empty } from "@/ui/states";
import { Toasts } from "@/ui/toast";

export const Route = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Root,
  notFoundComponent: NotFound,
});

function Root() {
  return (
    <I18nProvider locale={TAGS[useLocale()]}>
      <Outlet />
      <ConfirmIdentity />
      <Toasts />
    </I18nProvider>
  );
}

function NotFound() {
  const t = useT();
  return (
    <main className="flex min-h-dvh items-center justify-center">
      <Empty icon={Signpost} title={t("notFound.title")}>
        <Link to="/" className="text-accent underline">
          {t("notFound.home")}
        </Link>
      </Empty>
    </main>
  );
}

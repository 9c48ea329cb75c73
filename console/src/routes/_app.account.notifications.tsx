import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { AccountTabs } from "@/features/identity/components/account-tabs";
import { PreferencesForm } from "@/features/notifications/forms/preferences-form";
import { preferencesQuery } from "@/features/notifications/queries";
import { useLocale, useT } from "@/lib/i18n";
import { useMe } from "@/lib/session";
import { zones } from "@/lib/zones";
import { Page } from "@/ui/page";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/account/notifications")({ component: Preferences });

function Preferences() {
  const t = useT();
  const me = useMe();
  const locale = useLocale();
  const query = useQuery(preferencesQuery(locale));
  return (
    <Page title={t("account.title")} subtitle={me.email} narrow>
      <AccountTabs />
      <Loaded query={query}>{(preferences) => <PreferencesForm key={locale} preferences={preferences} zones={zones()} />}</Loaded>
    </Page>
  );
}

import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { AccountPage } from "@/features/identity/components/account-page";
import { PreferencesForm } from "@/features/notifications/forms/preferences-form";
import { preferencesQuery } from "@/features/notifications/queries";
import { useLocale } from "@/lib/i18n";
import { zones } from "@/lib/zones";
import { Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/account/notifications")({ component: Preferences });

function Preferences() {
  const locale = useLocale();
  const query = useQuery(preferencesQuery(locale));
  return (
    <AccountPage>
      <Loaded query={query}>{(preferences) => <PreferencesForm key={locale} preferences={preferences} zones={zones()} />}</Loaded>
    </AccountPage>
  );
}

import { createFileRoute } from "@tanstack/react-router";
import { AccountTabs } from "@/features/identity/components/account-tabs";
import { Sessions } from "@/features/identity/components/sessions";
import { PasswordForm, ProfileForm } from "@/features/identity/forms/account-forms";
import { useT } from "@/lib/i18n";
import { useMe } from "@/lib/session";
import { Page } from "@/ui/page";

export const Route = createFileRoute("/_app/account/")({ component: Account });

function Account() {
  const t = useT();
  const me = useMe();
  return (
    <Page title={t("account.title")} subtitle={me.email} narrow>
      <AccountTabs />
      <div className="space-y-4">
        <ProfileForm key={me.id} />
        <PasswordForm />
        <Sessions />
      </div>
    </Page>
  );
}

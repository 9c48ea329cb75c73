import type { ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { useMe } from "@/lib/session";
import { Page } from "@/ui/page";
import { AccountTabs } from "./account-tabs";

/** The frame of the pages of one's own account. */
export function AccountPage({ children }: { children: ReactNode }) {
  const t = useT();
  const me = useMe();
  return (
    <Page title={t("account.title")} subtitle={me.email} narrow>
      <AccountTabs />
      <div className="space-y-4">{children}</div>
    </Page>
  );
}

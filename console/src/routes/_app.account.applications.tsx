import { createFileRoute } from "@tanstack/react-router";
import { Applications } from "@/features/access/components/applications";
import { AccountPage } from "@/features/identity/components/account-page";

export const Route = createFileRoute("/_app/account/applications")({ component: ApplicationsPage });

function ApplicationsPage() {
  return (
    <AccountPage>
      <Applications />
    </AccountPage>
  );
}

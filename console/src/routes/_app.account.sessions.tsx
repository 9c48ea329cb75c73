import { createFileRoute } from "@tanstack/react-router";
import { AccountPage } from "@/features/identity/components/account-page";
import { Sessions } from "@/features/identity/components/sessions";

export const Route = createFileRoute("/_app/account/sessions")({ component: SessionsPage });

function SessionsPage() {
  return (
    <AccountPage>
      <Sessions />
    </AccountPage>
  );
}

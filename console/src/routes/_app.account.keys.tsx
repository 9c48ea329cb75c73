import { createFileRoute } from "@tanstack/react-router";
import { ApiKeys } from "@/features/access/components/api-keys";
import { AccountPage } from "@/features/identity/components/account-page";

export const Route = createFileRoute("/_app/account/keys")({ component: Keys });

function Keys() {
  return (
    <AccountPage>
      <ApiKeys />
    </AccountPage>
  );
}

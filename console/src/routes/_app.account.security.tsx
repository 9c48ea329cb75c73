import { createFileRoute } from "@tanstack/react-router";
import { AccountPage } from "@/features/identity/components/account-page";
import { DoorFault } from "@/features/identity/components/door-fault";
import { LinkedAccounts } from "@/features/identity/components/linked-accounts";
import { Passkeys } from "@/features/identity/components/passkeys";
import { SecondFactor } from "@/features/identity/components/second-factor";
import { PasswordForm } from "@/features/identity/forms/account-forms";
import { textOf } from "@/lib/search";

export const Route = createFileRoute("/_app/account/security")({
  // Why an account elsewhere could not be linked, by name.
  validateSearch: (search: Record<string, unknown>): { error?: string } => ({ error: textOf(search.error) }),
  component: Security,
});

function Security() {
  const { error } = Route.useSearch();
  return (
    <AccountPage>
      {error && <DoorFault code={error} />}
      <PasswordForm />
      <SecondFactor />
      <Passkeys />
      <LinkedAccounts />
    </AccountPage>
  );
}

import { createFileRoute } from "@tanstack/react-router";
import { AccountPage } from "@/features/identity/components/account-page";
import { ProfileForm } from "@/features/identity/forms/account-forms";
import { DeleteAccount } from "@/features/identity/forms/delete-account";
import { EmailForm } from "@/features/identity/forms/email-form";
import { useMe } from "@/lib/session";

export const Route = createFileRoute("/_app/account/")({ component: Account });

function Account() {
  const me = useMe();
  return (
    <AccountPage>
      <ProfileForm key={me.id} />
      <EmailForm />
      <DeleteAccount />
    </AccountPage>
  );
}

import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { applicationsQuery } from "@/features/access/queries";
import { AccountPage } from "@/features/identity/components/account-page";
import { Sessions } from "@/features/identity/components/sessions";

export const Route = createFileRoute("/_app/account/sessions")({ component: SessionsPage });

function SessionsPage() {
  const applications = useQuery(applicationsQuery);
  return (
    <AccountPage>
      <Sessions clientName={(id) => applications.data?.find((one) => one.id === id)?.client.name ?? id} />
    </AccountPage>
  );
}

import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link, useRouter } from "@tanstack/react-router";
import { Door } from "@/features/identity/components/door";
import { invitationQuery } from "@/features/identity/doors";
import { JoinAsNew, JoinWithAccount } from "@/features/identity/forms/join-forms";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { roleLabel } from "@/lib/roles";
import { textOf } from "@/lib/search";
import { Notice } from "@/ui/notice";
import { Facts } from "@/ui/page";
import { Loading } from "@/ui/states";

export const Route = createFileRoute("/invitation")({
  validateSearch: (search: Record<string, unknown>): { token?: string } => ({ token: textOf(search.token) }),
  component: Invitation,
});

function Invitation() {
  const t = useT();
  const format = useFormat();
  const { token } = Route.useSearch();
  const router = useRouter();
  const query = useQuery({ ...invitationQuery(token ?? ""), enabled: token !== undefined });
  const invitation = query.data;
  const home = () => router.history.push("/");
  return (
    <Door title={invitation ? t("invitation.to", { workspace: invitation.workspace }) : t("invitation.title")}>
      {!token ? (
        <Notice tone="bad">{t("verify.noToken")}</Notice>
      ) : query.isError ? (
        <div className="space-y-4">
          <Notice problem={toProblem(query.error)} />
          <p className="text-muted">{t("invitation.askAgain")}</p>
          <Link to="/login" className="text-accent hover:underline">
            {t("login.back")}
          </Link>
        </div>
      ) : !invitation ? (
        <Loading rows={4} />
      ) : (
        <div className="space-y-5">
          <Facts
            items={[
              invitation.inviter ? [t("invitation.by"), invitation.inviter] : null,
              [t("invitation.for"), invitation.email],
              [t("users.role"), roleLabel(t, invitation.role)],
              [t("invitation.until"), format.dateTime(invitation.expires_at)],
            ]}
          />
          {invitation.has_account ? <JoinWithAccount token={token} email={invitation.email} onIn={home} /> : <JoinAsNew token={token} email={invitation.email} onIn={home} />}
        </div>
      )}
    </Door>
  );
}

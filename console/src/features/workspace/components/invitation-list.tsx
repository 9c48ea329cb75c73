import { useState, type ReactNode } from "react";
import type { Invitation } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { problemText } from "@/lib/problem-text";
import { roleLabel } from "@/lib/roles";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { toast } from "@/ui/toast";
import { useResendInvitation, useRevokeInvitation } from "@/features/workspace/queries";

interface Props {
  invitations: readonly Invitation[];
  editable: boolean;
  /** Shows who invited. */
  person: (id: string) => ReactNode;
}

export function InvitationList({ invitations, editable, person }: Props) {
  const t = useT();
  const format = useFormat();
  const resend = useResendInvitation();
  const revoke = useRevokeInvitation();
  const [leaving, setLeaving] = useState<Invitation | null>(null);
  return (
    <>
      <ul className="divide-y divide-line">
        {invitations.map((one) => (
          <li key={one.id} className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
            <div className="min-w-0 flex-1 basis-64">
              <p className="flex flex-wrap items-center gap-2">
                <span className="font-medium break-all">{one.email}</span>
                <Badge>{roleLabel(t, one.role)}</Badge>
                {one.is_expired && <Badge tone="warn">{t("invitations.over")}</Badge>}
              </p>
              <p className="text-sm text-muted">
                {one.invited_by && (
                  <>
                    {person(one.invited_by)}
                    {" · "}
                  </>
                )}
                {format.ago(one.sent_at)} · {t("invitations.until", { at: format.date(one.expires_at) })}
              </p>
            </div>
            {editable && (
              <div className="flex gap-2">
                <Button
                  small
                  isPending={resend.isPending && resend.variables === one.id}
                  aria-label={t("invitations.resendOf", { email: one.email })}
                  onPress={() =>
                    resend.mutate(one.id, {
                      onSuccess: () => toast(t("invitations.resent", { email: one.email })),
                      onError: (error) => toast(problemText(t, toProblem(error)), "bad"),
                    })
                  }
                >
                  {t("invitations.resend")}
                </Button>
                <Button small aria-label={t("invitations.revokeOf", { email: one.email })} onPress={() => setLeaving(one)}>
                  {t("invitations.revoke")}
                </Button>
              </div>
            )}
          </li>
        ))}
      </ul>
      {leaving && (
        <Confirm
          isOpen
          title={t("invitations.revoke")}
          body={t("invitations.revokeBody", { email: leaving.email })}
          action={t("invitations.revoke")}
          onClose={() => setLeaving(null)}
          onConfirm={() => revoke.mutateAsync(leaving.id)}
        />
      )}
    </>
  );
}

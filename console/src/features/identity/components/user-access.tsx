import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { User } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Confirm } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { optionsQuery } from "@/features/identity/doors";
import { useDeleteUser, useEndUserSessions, usePurgeUser, useResetLink, useResetSecondFactor, useRestoreUser, userSessionsQuery } from "@/features/identity/users";
import { SessionRow } from "./sessions";

/** How this person signs in: a link to set a password, a second factor that is lost. */
export function UserAccess({ user }: { user: User }) {
  const t = useT();
  const format = useFormat();
  const mails = useQuery(optionsQuery).data?.password_reset === true;
  const link = useResetLink(user.id);
  const reset = useResetSecondFactor(user.id);
  const [asking, setAsking] = useState(false);
  const made = link.data?.password_link;
  return (
    <Section title={t("users.access")}>
      <div className="space-y-4">
        <Row text={t("users.resetBody")}>
          {mails && (
            <Button isPending={link.isPending && link.variables} onPress={() => link.mutate(true, { onSuccess: () => toast(t("users.resetSent", { email: user.email })) })}>
              {t("users.resetSend")}
            </Button>
          )}
          <Button isPending={link.isPending && !link.variables} onPress={() => link.mutate(false)}>
            {t("users.resetMake")}
          </Button>
        </Row>
        {link.isError && <Notice problem={toProblem(link.error)} />}
        {link.data && made && (
          <div className="flex items-end gap-2">
            <TextField className="min-w-0 flex-1" label={t("users.resetLink", { at: format.dateTime(link.data.expires_at) })} isReadOnly mono value={made} />
            <CopyButton compact text={() => made} />
          </div>
        )}
        <Row text={t("users.factorBody")}>
          <Button variant="danger" onPress={() => setAsking(true)}>
            {t("users.factorReset")}
          </Button>
        </Row>
      </div>
      <Confirm
        isOpen={asking}
        title={t("users.factorReset")}
        body={t("users.factorSure", { email: user.email })}
        action={t("users.factorReset")}
        onClose={() => setAsking(false)}
        onConfirm={() => reset.mutateAsync().then(() => toast(t("users.factorDone")))}
      />
    </Section>
  );
}

function Row({ text, children }: { text: string; children: React.ReactNode }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 border-t border-line pt-4 first:border-0 first:pt-0">
      <p className="min-w-0 flex-1 basis-64 text-muted">{text}</p>
      <div className="flex flex-wrap gap-2">{children}</div>
    </div>
  );
}

export function UserSessions({ user, editable }: { user: User; editable: boolean }) {
  const t = useT();
  const query = useQuery(userSessionsQuery(user.id));
  const end = useEndUserSessions(user.id);
  const some = (query.data?.items.length ?? 0) > 0;
  return (
    <Section
      title={t("sessions.title")}
      flush
      actions={
        editable &&
        some && (
          <Button small variant="danger" isPending={end.isPending} onPress={() => end.mutate(undefined, { onSuccess: () => toast(t("sessions.allEnded")) })}>
            {t("sessions.endAll")}
          </Button>
        )
      }
    >
      {end.isError && <Notice problem={toProblem(end.error)} className="m-4" />}
      <Loaded query={query} rows={2}>
        {(page) =>
          page.items.length === 0 ? (
            <p className="px-4 py-5 text-muted">{t("sessions.none")}</p>
          ) : (
            <ul className="divide-y divide-line">
              {page.items.map((session) => (
                <SessionRow key={session.id} session={session} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}

/** Put aside, brought back, or gone for good. */
export function UserLife({ user, onGone }: { user: User; onGone: () => void }) {
  const t = useT();
  const remove = useDeleteUser();
  const restore = useRestoreUser();
  const purge = usePurgeUser();
  const [asking, setAsking] = useState<"none" | "delete" | "purge">("none");
  const close = () => setAsking("none");
  return (
    <Section title={t("users.life")}>
      {user.deleted_at ? (
        <div className="space-y-4">
          <Row text={t("users.restoreBody")}>
            <Button variant="primary" isPending={restore.isPending} onPress={() => restore.mutate(user.id, { onSuccess: () => toast(t("users.restored", { email: user.email })) })}>
              {t("users.restore")}
            </Button>
          </Row>
          {restore.isError && <Notice problem={toProblem(restore.error)} />}
          <Row text={t("users.purgeBody")}>
            <Button variant="danger" onPress={() => setAsking("purge")}>
              {t("users.purge")}
            </Button>
          </Row>
        </div>
      ) : (
        <Row text={t("users.deleteBody")}>
          <Button variant="danger" onPress={() => setAsking("delete")}>
            {t("users.delete")}
          </Button>
        </Row>
      )}
      <Confirm
        isOpen={asking === "delete"}
        title={t("users.delete")}
        body={t("users.deleteSure", { email: user.email })}
        action={t("users.delete")}
        onClose={close}
        onConfirm={() => remove.mutateAsync(user.id).then(() => toast(t("users.deleted", { email: user.email })))}
      />
      <Confirm
        isOpen={asking === "purge"}
        title={t("users.purge")}
        body={t("users.purgeSure", { email: user.email })}
        action={t("users.purge")}
        onClose={close}
        onConfirm={() =>
          purge.mutateAsync(user.id).then(() => {
            toast(t("users.purged"));
            onGone();
          })
        }
      />
    </Section>
  );
}

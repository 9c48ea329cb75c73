import { CheckCheck } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Event } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan, useMe } from "@/lib/session";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { personQuery, useAcknowledge } from "@/features/surveillance/queries";

/** Says who saw the event and what they made of it, or lets one say so. */
export function Acknowledge({ event }: { event: Event }) {
  const t = useT();
  const format = useFormat();
  const [comment, setComment] = useState("");
  const allowed = useCan("surveillance.events.acknowledge");
  const acknowledge = useAcknowledge();
  const done = event.acknowledged;
  const name = usePersonName(done?.by);
  if (done) {
    return (
      <Notice tone="good">
        <p className="font-medium">{t("event.acknowledgedBy", { name, at: format.dateTime(done.at) })}</p>
        {done.comment && <p className="mt-1 break-words text-ink">{done.comment}</p>}
      </Notice>
    );
  }
  if (!allowed) return <p className="text-muted">{t("event.notYours")}</p>;
  return (
    <form
      className="space-y-3"
      onSubmit={(submit) => {
        submit.preventDefault();
        acknowledge.mutate({ ids: [event.id], comment: comment.trim() || undefined });
      }}
    >
      <TextField label={t("event.comment")} hint={t("event.commentHint")} multiline value={comment} onChange={setComment} maxLength={1000} />
      {acknowledge.isError && <Notice problem={toProblem(acknowledge.error)} />}
      <Button type="submit" variant="primary" icon={CheckCheck} isPending={acknowledge.isPending}>
        {t("event.acknowledge")}
      </Button>
    </form>
  );
}

/** The name behind an id: one's own, one that may be looked up, or the id itself. */
function usePersonName(id: string | undefined): string {
  const me = useMe();
  const allowed = useCan("identity.users.read");
  const own = id === me.id;
  const person = useQuery({ ...personQuery(id ?? ""), enabled: id !== undefined && !own && allowed });
  const found = own ? me : person.data;
  return found ? `${found.first_name} ${found.last_name}`.trim() || found.email : (id ?? "");
}

import { CheckCheck } from "lucide-react";
import { useState } from "react";
import type { Event } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan } from "@/lib/session";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { useAcknowledge } from "@/features/surveillance/queries";

/** Says who saw the event and what they made of it, or lets one say so. */
export function Acknowledge({ event }: { event: Event }) {
  const t = useT();
  const format = useFormat();
  const [comment, setComment] = useState("");
  const allowed = useCan("surveillance.events.acknowledge");
  const acknowledge = useAcknowledge();
  const done = event.acknowledged;
  if (done) {
    return (
      <Notice tone="good">
        <p className="font-medium">{t("event.acknowledgedBy", { name: done.by, at: format.dateTime(done.at) })}</p>
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

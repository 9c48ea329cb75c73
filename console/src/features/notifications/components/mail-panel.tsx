import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { useCan, useMe } from "@/lib/session";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Facts, Section } from "@/ui/page";
import { Loaded } from "@/ui/states";
import { mailQuery, useTestMail } from "@/features/notifications/queries";

interface Props {
  /** Shows what became of the attempt. */
  task: (id: string) => ReactNode;
  /** Leads to what was sent and what failed: mails are tasks. */
  sent?: ReactNode;
}

/** Whether mail can be sent, and a way to find out that it truly is. */
export function MailPanel({ task, sent }: Props) {
  const t = useT();
  const me = useMe();
  const editable = useCan("notifications.mail.write");
  const query = useQuery(mailQuery);
  const test = useTestMail();
  const [to, setTo] = useState(me.email);
  const problem = test.isError ? toProblem(test.error) : null;
  return (
    <Section
      title={t("mail.title")}
      actions={
        query.data && (
          <Badge tone={query.data.is_configured ? "good" : "neutral"} dot>
            {t(query.data.is_configured ? "mail.configured" : "mail.notConfigured")}
          </Badge>
        )
      }
    >
      <Loaded query={query} rows={2}>
        {(mail) =>
          mail.is_configured ? (
            <div className="space-y-4">
              <Facts items={[[t("mail.from"), mail.from ?? "–"]]} />
              {sent}
              {editable && (
                <form
                  className="space-y-3"
                  onSubmit={(event) => {
                    event.preventDefault();
                    test.mutate(to);
                  }}
                >
                  <div className="flex flex-wrap items-end gap-2">
                    <TextField className="min-w-0 flex-1 basis-56" label={t("mail.to")} type="email" value={to} onChange={setTo} error={problem?.field("/to")} />
                    <Button type="submit" isPending={test.isPending}>
                      {t("mail.test")}
                    </Button>
                  </div>
                  {problem && !problem.field("/to") && <Notice problem={problem} />}
                  {test.data && (
                    <Notice>
                      {t("mail.sent")} {task(test.data.task_id)}
                    </Notice>
                  )}
                </form>
              )}
            </div>
          ) : (
            <p className="text-muted">{t("mail.howTo")}</p>
          )
        }
      </Loaded>
    </Section>
  );
}

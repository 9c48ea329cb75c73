import { MailCheck } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";

interface Props {
  children: ReactNode;
  /** Sends it once more. */
  again: { mutate: (email: string, options: { onSuccess: () => void }) => void; isPending: boolean; isError: boolean; error: unknown };
  email: string;
}

/** A mail is under way: where to look, and another try. */
export function MailSent({ children, again, email }: Props) {
  const t = useT();
  return (
    <div className="space-y-5">
      <div role="status" className="card flex items-start gap-3 p-4">
        <MailCheck aria-hidden className="mt-0.5 size-5 shrink-0 text-accent" strokeWidth={1.75} />
        <div className="min-w-0 space-y-1.5">
          <p className="break-words">{children}</p>
          <p className="text-sm text-muted">{t("mailbox.where")}</p>
        </div>
      </div>
      {again.isError && <Notice problem={toProblem(again.error)} />}
      <Button className="w-full" isPending={again.isPending} onPress={() => again.mutate(email, { onSuccess: () => toast(t("mailbox.again")) })}>
        {t("mailbox.resend")}
      </Button>
    </div>
  );
}

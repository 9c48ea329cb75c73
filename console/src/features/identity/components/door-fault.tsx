import { hasMessage, useT } from "@/lib/i18n";
import { Notice } from "@/ui/notice";

/** What went wrong on the way through another page, which could only bring back a name for it. */
export function DoorFault({ code }: { code: string }) {
  const t = useT();
  const key = `login.error.${code}`;
  return <Notice tone="bad">{t(hasMessage(key) ? key : "login.error")}</Notice>;
}

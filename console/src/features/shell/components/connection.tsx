import { useT } from "@/lib/i18n";
import { useConnection } from "@/lib/realtime-react";
import { cx } from "@/ui/class-names";

/** Whether what is shown is live. In words for those who read, as a dot where room is short. */
export function ConnectionState({ compact }: { compact?: boolean }) {
  const t = useT();
  const connection = useConnection();
  const live = connection === "online";
  return (
    <p role="status" className={cx("flex items-center gap-2 text-xs", live ? "text-muted" : "text-warn", !compact && "px-2.5 py-1")}>
      <span aria-hidden className={cx("size-2 rounded-full", live ? "bg-good" : "pulse-soft bg-warn")} />
      <span className={compact && live ? "sr-only" : ""}>{live ? t("live.on") : connection === "waiting" ? t("live.lost") : t("live.connecting")}</span>
    </p>
  );
}

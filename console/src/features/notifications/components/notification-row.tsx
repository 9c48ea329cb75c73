import { useRouter } from "@tanstack/react-router";
import { Check, CircleAlert, CircleCheck, Info, Trash2, TriangleAlert } from "lucide-react";
import type { Notification } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { safeNext } from "@/lib/safe-next";
import { IconButton } from "@/ui/button";
import { cx } from "@/ui/class-names";
import { toast } from "@/ui/toast";
import { useDeleteNotification, useMarkRead } from "@/features/notifications/queries";

const looks = {
  info: { icon: Info, tone: "text-accent" },
  success: { icon: CircleCheck, tone: "text-good" },
  warning: { icon: TriangleAlert, tone: "text-warn" },
  error: { icon: CircleAlert, tone: "text-bad" },
} as const;

/** A button that is about to go hands its focus on, so that the keyboard is not lost with it. */
export function handOn(button: Element, to: string) {
  button.closest<HTMLElement>(to)?.focus();
}

/** `compact` in the bell, where there is no room for deleting. */
export function NotificationRow({ notification, compact, onLeave }: { notification: Notification; compact?: boolean; onLeave?: () => void }) {
  const t = useT();
  const format = useFormat();
  const router = useRouter();
  const read = useMarkRead();
  const remove = useDeleteNotification();
  const look = looks[notification.level];
  const isUnread = notification.read_at === null || notification.read_at === undefined;
  const onError = (error: unknown) => toast(toProblem(error).message, "bad");
  return (
    <li tabIndex={-1} className={cx("flex items-start gap-3 px-4 py-3 outline-none", isUnread && "bg-accent-soft/40")}>
      <look.icon aria-label={t(`level.${notification.level}`)} className={cx("mt-0.5 size-4.5 shrink-0", look.tone)} />
      <div className="min-w-0 flex-1">
        <p className={cx("break-words", isUnread && "font-semibold")}>
          {notification.link ? (
            <a
              href={safeNext(notification.link)}
              className="hover:text-accent hover:underline"
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                if (isUnread) read.mutate(notification.id, { onError });
                onLeave?.();
                router.history.push(safeNext(notification.link));
              }}
            >
              {notification.title}
            </a>
          ) : (
            notification.title
          )}
          {isUnread && <span className="sr-only"> {t("bell.isUnread")}</span>}
        </p>
        {notification.body && <p className={cx("text-sm break-words whitespace-pre-line text-muted", compact && "line-clamp-2")}>{notification.body}</p>}
        <time dateTime={notification.created_at} title={format.dateTime(notification.created_at)} className="text-xs text-muted">
          {format.ago(notification.created_at)}
        </time>
      </div>
      <div className="flex">
        {isUnread && (
          <IconButton
            icon={Check}
            label={t("bell.read", { title: notification.title })}
            onPress={({ target }) => {
              handOn(target, "li");
              read.mutate(notification.id, { onError });
            }}
          />
        )}
        {!compact && (
          <IconButton
            icon={Trash2}
            label={t("bell.delete", { title: notification.title })}
            onPress={({ target }) => {
              handOn(target, "main");
              remove.mutate(notification.id, { onError });
            }}
          />
        )}
      </div>
    </li>
  );
}

import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useT } from "@/lib/i18n";
import { IconButton } from "./button";
import { cx } from "./class-names";

interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
}

let toasts: readonly Toast[] = [];
let next = 0;
const listeners = new Set<() => void>();

function change(to: readonly Toast[]) {
  toasts = to;
  listeners.forEach((listener) => listener());
}

/**
 * Says that something is done: below, in the middle, since the buttons of a page are at its right. Faults stay until they are closed; good news leaves after five seconds.
 */
export function toast(text: string, tone: Toast["tone"] = "good") {
  const id = next++;
  change([...toasts.slice(-3), { id, tone, text }]);
  if (tone === "good") setTimeout(() => change(toasts.filter((shown) => shown.id !== id)), 5000);
}

export function Toasts() {
  const t = useT();
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div aria-live="polite" className="pointer-events-none fixed inset-x-4 bottom-18 z-60 flex flex-col items-center gap-2 lg:bottom-4">
      {shown.map((one) => (
        <div key={one.id} className="appear pointer-events-auto flex max-w-md items-center gap-2.5 rounded-card border border-line bg-raised py-1.5 pr-1.5 pl-3.5 shadow-float">
          {one.tone === "good" ? <CircleCheck aria-hidden className="size-4 text-good" /> : <CircleAlert aria-hidden className="size-4 text-bad" />}
          <span className={cx(one.tone === "bad" && "text-bad")}>{one.text}</span>
          <IconButton icon={X} label={t("close")} onPress={() => change(toasts.filter((kept) => kept.id !== one.id))} />
        </div>
      ))}
    </div>
  );
}

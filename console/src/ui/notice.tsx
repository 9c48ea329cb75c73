import { CircleAlert, CircleCheck, Info } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "@/lib/i18n";
import type { ProblemError } from "@/lib/problem";
import { problemText } from "@/lib/problem-text";
import { cx } from "./class-names";

const looks = {
  bad: { icon: CircleAlert, box: "border-bad/30 bg-bad-soft text-bad" },
  good: { icon: CircleCheck, box: "border-good/30 bg-good-soft text-good" },
  info: { icon: Info, box: "border-line bg-sunken text-ink" },
} as const;

interface NoticeProps {
  tone?: keyof typeof looks;
  problem?: ProblemError | null;
  className?: string;
  children?: ReactNode;
}

/** A message in the flow of the page. Faults are announced at once; the rest politely. */
export function Notice({ tone, problem, className, children }: NoticeProps) {
  const t = useT();
  const look = looks[tone ?? (problem ? "bad" : "info")];
  return (
    <div role={look === looks.bad ? "alert" : "status"} className={cx("flex gap-2.5 rounded-control border px-3 py-2 text-sm", look.box, className)}>
      <look.icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0">
        {problem && <p className="break-words">{problemText(t, problem)}</p>}
        {problem && problem.fields.some((field) => field.detail !== problem.message) && (
          <ul className="mt-1 list-disc pl-4">
            {problem.fields.map((field) => (
              <li key={field.pointer + field.detail}>
                <span className="font-mono text-xs">{field.pointer}</span> {field.detail}
              </li>
            ))}
          </ul>
        )}
        {children}
        {problem?.requestId && (
          <p className="mt-0.5 font-mono text-xs break-all">
            {t("error.request")} {problem.requestId}
          </p>
        )}
      </div>
    </div>
  );
}

import { useMemo } from "react";
import { useT } from "@/lib/i18n";
import { cx } from "@/ui/class-names";
import { diffLines } from "@/features/ml/diff";
import { PROMPT_TEXT } from "@/features/ml/registry";
import type { Version } from "@/features/ml/types";

export const promptText = (version: Version) => {
  const text = version.tags?.find(({ key }) => key === PROMPT_TEXT)?.value ?? "";
  // Chats are kept as JSON.
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.map((one: { role?: string; content?: string }) => `${one.role ?? ""}:\n${one.content ?? ""}`).join("\n\n");
  } catch {
    // A text.
  }
  return text;
};

/** A prompt's text with its variables marked. */
export function PromptText({ text }: { text: string }) {
  const t = useT();
  return (
    <pre tabIndex={0} role="region" aria-label={t("ml.prompt.text")} className="max-h-[60dvh] overflow-auto rounded-control bg-sunken p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
      {text.split(/(\{\{.*?\}\})/).map((part, at) =>
        part.startsWith("{{") ? (
          <span key={at} className="rounded bg-accent-soft px-0.5 text-accent">
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </pre>
  );
}

/** What was taken away and what came, line by line. */
export function TextDiff({ before, after, label }: { before: string; after: string; label: string }) {
  const t = useT();
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  return (
    <div tabIndex={0} role="region" aria-label={label} className="max-h-[60dvh] overflow-auto rounded-control bg-sunken py-2 font-mono text-xs leading-5">
      {lines.map((line, at) => (
        <div key={at} className={cx("px-3 break-words whitespace-pre-wrap", line.kind === "gone" && "bg-bad-soft text-bad", line.kind === "new" && "bg-good-soft text-good")}>
          <span aria-hidden className="mr-2 select-none">
            {line.kind === "gone" ? "−" : line.kind === "new" ? "+" : " "}
          </span>
          {line.kind !== "same" && <span className="sr-only">{t(line.kind === "gone" ? "ml.diff.gone" : "ml.diff.new")} </span>}
          {line.text || " "}
        </div>
      ))}
    </div>
  );
}

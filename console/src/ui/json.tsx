import { pretty } from "@/lib/pretty";
import { CopyButton } from "./copy";

/** What a text says, where it is JSON; else the text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Data as the machine has it, for reading and copying. It scrolls by itself, by keyboard too. */
export function Json({ value, label }: { value: unknown; label: string }) {
  const text = pretty(value);
  return (
    <div className="relative min-w-0">
      <pre tabIndex={0} role="region" aria-label={label} className="max-h-80 overflow-auto rounded-control bg-sunken p-3 pr-12 font-mono text-xs leading-5 break-words whitespace-pre-wrap">
        {text}
      </pre>
      <span className="absolute top-1.5 right-1.5">
        <CopyButton compact text={() => text} />
      </span>
    </div>
  );
}

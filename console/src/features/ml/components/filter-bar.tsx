import { CircleHelp } from "lucide-react";
import { useEffect, useState } from "react";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { MlFault } from "./bits";

interface Props {
  value: string | undefined;
  onChange: (filter: string | undefined) => void;
  /** What the server says of it. */
  error: unknown;
  examples: readonly string[];
  placeholder: string;
}

/** A filter in MLflow's own grammar. It is asked on Enter: half a clause would be refused at every letter. */
export function FilterBar({ value, onChange, error, examples, placeholder }: Props) {
  const t = useT();
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  const isChanged = text.trim() !== (value ?? "");
  return (
    <div className="min-w-0 flex-1 basis-72">
      <form
        role="search"
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          onChange(text.trim() || undefined);
        }}
      >
        <TextField className="min-w-0 flex-1" type="search" label={t("ml.filter")} labelHidden mono placeholder={placeholder} value={text} onChange={setText} />
        <DialogTrigger>
          <AriaButton aria-label={t("ml.filter.help")} className="inline-flex size-8.5 shrink-0 cursor-pointer items-center justify-center rounded-control text-muted hover:bg-sunken hover:text-ink pointer-coarse:size-10">
            <CircleHelp aria-hidden className="size-4.5" />
          </AriaButton>
          <Popover placement="bottom end" className="appear max-w-[min(32rem,92vw)] rounded-card border border-line bg-raised p-4 shadow-float">
            <Dialog aria-label={t("ml.filter.help")} className="space-y-2 text-sm outline-none">
              {({ close }) => (
                <>
                  <p>{t("ml.filter.grammar")}</p>
                  <ul className="space-y-1">
                    {examples.map((example) => (
                      <li key={example}>
                        <button
                          type="button"
                          className="w-full cursor-pointer rounded-control bg-sunken px-2 py-1 text-left font-mono text-xs break-words hover:bg-accent-soft pointer-coarse:py-2"
                          onClick={() => {
                            setText(example);
                            onChange(example);
                            close();
                          }}
                        >
                          {example}
                        </button>
                      </li>
                    ))}
                  </ul>
                  <p className="text-muted">{t("ml.filter.rules")}</p>
                </>
              )}
            </Dialog>
          </Popover>
        </DialogTrigger>
        <Button type="submit" variant={isChanged ? "primary" : "secondary"}>
          {t("ml.filter.apply")}
        </Button>
      </form>
      <MlFault error={error} className="mt-2" />
    </div>
  );
}

import { Plus, X } from "lucide-react";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { toast } from "@/ui/toast";
import type { TagChange } from "@/features/ml/queries";
import type { Pair } from "@/features/ml/types";
import { MlFault } from "./bits";

/** What MLflow keeps for itself in tags; it is shown elsewhere, or of no use to people. */
export const isOwnTag = (key: string) => key.startsWith("mlflow.") || key === "_mlflow_prompt_type";

interface Write {
  mutate: (change: TagChange, options?: { onSuccess?: () => void; onError?: (error: Error) => void }) => void;
  isPending: boolean;
  error: unknown;
  reset: () => void;
}

/** Tags as small labels; with `write` they can be added, changed and taken away. */
export function Tags({ tags, write, label }: { tags: readonly Pair[]; write?: Write; label: string }) {
  const t = useT();
  const [editing, setEditing] = useState<Pair | null>(null);
  const shown = tags.filter(({ key }) => !isOwnTag(key));
  if (shown.length === 0 && !write) return <span className="text-muted">–</span>;
  return (
    <>
      <ul aria-label={label} className="flex flex-wrap items-center gap-1.5">
        {shown.map((tag) => (
          <li key={tag.key} className="inline-flex max-w-full items-center rounded-control border border-line bg-surface text-sm">
            {write ? (
              <button type="button" onClick={() => setEditing(tag)} className="min-w-0 cursor-pointer truncate rounded-l-control px-2 py-0.5 text-left hover:bg-sunken pointer-coarse:py-1.5" title={`${tag.key}: ${tag.value}`}>
                <Tag tag={tag} />
              </button>
            ) : (
              <span className="min-w-0 truncate px-2 py-0.5" title={`${tag.key}: ${tag.value}`}>
                <Tag tag={tag} />
              </span>
            )}
            {write && (
              <button
                type="button"
                aria-label={t("ml.tag.remove", { key: tag.key })}
                disabled={write.isPending}
                onClick={() => write.mutate({ key: tag.key, value: undefined }, { onError: (error) => toast(toProblem(error).message, "bad") })}
                className="flex size-6 cursor-pointer items-center justify-center rounded-r-control text-muted hover:bg-sunken hover:text-ink pointer-coarse:size-9"
              >
                <X aria-hidden className="size-3.5" />
              </button>
            )}
          </li>
        ))}
        {write && (
          <li>
            <Button small variant="ghost" icon={Plus} onPress={() => setEditing({ key: "", value: "" })}>
              {t("ml.tag.add")}
            </Button>
          </li>
        )}
      </ul>
      {write && editing && <TagDialog key={editing.key} tag={editing} write={write} onClose={() => setEditing(null)} />}
    </>
  );
}

function Tag({ tag }: { tag: Pair }) {
  return (
    <>
      <span className="text-muted">{tag.key}</span> {tag.value}
    </>
  );
}

function TagDialog({ tag, write, onClose }: { tag: Pair; write: Write; onClose: () => void }) {
  const t = useT();
  const isNew = tag.key === "";
  const [key, setKey] = useState(tag.key);
  const [value, setValue] = useState(tag.value);
  const close = () => {
    write.reset();
    onClose();
  };
  return (
    <Dialog title={isNew ? t("ml.tag.add") : t("ml.tag.change", { key: tag.key })} isOpen onClose={close}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          write.mutate({ key: key.trim(), value }, { onSuccess: close });
        }}
      >
        {isNew && <TextField label={t("ml.tag.key")} value={key} onChange={setKey} mono autoFocus isRequired />}
        <TextField label={t("ml.tag.value")} value={value} onChange={setValue} multiline rows={2} autoFocus={!isNew} />
        <MlFault error={write.error} />
        <div className="flex justify-end gap-2">
          <Button onPress={close}>{t("cancel")}</Button>
          <Button type="submit" variant="primary" isPending={write.isPending} isDisabled={key.trim() === ""}>
            {t("save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

import { Pencil } from "lucide-react";
import { useState } from "react";
import { useT } from "@/lib/i18n";
import { Button, IconButton } from "@/ui/button";
import { TextField } from "@/ui/field";
import { MlFault } from "./bits";

export const NOTE_TAG = "mlflow.note.content";

interface Write {
  mutate: (text: string, options?: { onSuccess?: () => void }) => void;
  isPending: boolean;
  error: unknown;
}

/** What people wrote about a thing: a text as it is. With `write` it can be changed. */
export function Note({ text, write, label }: { text: string; write?: Write; label: string }) {
  const t = useT();
  const [draft, setDraft] = useState<string | null>(null);
  if (draft !== null && write) {
    return (
      <form
        className="space-y-2"
        onSubmit={(event) => {
          event.preventDefault();
          write.mutate(draft, { onSuccess: () => setDraft(null) });
        }}
      >
        <TextField label={label} labelHidden value={draft} onChange={setDraft} multiline rows={6} autoFocus />
        <MlFault error={write.error} />
        <div className="flex gap-2">
          <Button small type="submit" variant="primary" isPending={write.isPending}>
            {t("save")}
          </Button>
          <Button small onPress={() => setDraft(null)}>
            {t("cancel")}
          </Button>
        </div>
      </form>
    );
  }
  if (text === "") {
    return write ? (
      <Button small variant="ghost" icon={Pencil} onPress={() => setDraft("")}>
        {t("ml.note.add")}
      </Button>
    ) : (
      <span className="text-muted">–</span>
    );
  }
  return (
    <div className="flex items-start gap-1">
      <p className="max-h-72 min-w-0 flex-1 overflow-y-auto break-words whitespace-pre-wrap">{text}</p>
      {write && <IconButton icon={Pencil} label={t("ml.note.change")} onPress={() => setDraft(text)} className="-mt-1" />}
    </div>
  );
}

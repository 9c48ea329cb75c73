import { useState } from "react";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { useSwitchWorkspace } from "@/lib/session";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useCreateWorkspace } from "@/features/workspace/queries";

/** Makes a workspace, and goes there. */
export function NewWorkspaceDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("space.new")} isOpen={isOpen} onClose={onClose}>
      <NewWorkspace onDone={onClose} />
    </Dialog>
  );
}

function NewWorkspace({ onDone }: { onDone: () => void }) {
  const t = useT();
  const create = useCreateWorkspace();
  const go = useSwitchWorkspace();
  const [name, setName] = useState("");
  const failure = create.error ?? go.error;
  const problem = failure ? toProblem(failure) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate(name, {
          onSuccess: (made) => {
            toast(t("space.made", { name: made.name }));
            go.mutate(made.id, { onSuccess: onDone });
          },
        });
      }}
    >
      <p className="text-muted">{t("space.newBody")}</p>
      <TextField label={t("users.name")} maxLength={100} isRequired autoFocus autoComplete="off" value={name} onChange={setName} error={fieldText(t, problem, "/name")} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onDone}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={create.isPending || go.isPending} isDisabled={name.trim() === ""}>
          {t("users.create")}
        </Button>
      </div>
    </form>
  );
}

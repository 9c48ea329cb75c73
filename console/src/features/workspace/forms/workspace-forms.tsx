import { useState } from "react";
import type { WorkspaceDetail } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { fieldText } from "@/lib/problem-text";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { useDeleteWorkspace, useLeaveWorkspace, useUpdateWorkspace } from "@/features/workspace/queries";

export function RenameForm({ workspace, editable }: { workspace: WorkspaceDetail; editable: boolean }) {
  const t = useT();
  const update = useUpdateWorkspace(workspace.id);
  const [name, setName] = useState(workspace.name);
  const [slug, setSlug] = useState(workspace.slug);
  const problem = update.isError ? toProblem(update.error) : null;
  return (
    <Section title={t("space.name")}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate(
            { name: name === workspace.name ? undefined : name, slug: slug === workspace.slug ? undefined : slug },
            { onSuccess: () => toast(t("saved")) },
          );
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("users.name")} maxLength={100} isRequired isReadOnly={!editable} autoComplete="off" value={name} onChange={setName} error={fieldText(t, problem, "/name")} />
          <TextField label={t("space.slug")} hint={t("space.slugHint")} maxLength={50} isRequired isReadOnly={!editable} autoComplete="off" mono value={slug} onChange={setSlug} error={fieldText(t, problem, "/slug")} />
        </div>
        {problem && <Notice problem={problem} />}
        {editable && (
          <div className="flex justify-end">
            <Button type="submit" variant="primary" isPending={update.isPending} isDisabled={name.trim() === "" || slug.trim() === ""}>
              {t("save")}
            </Button>
          </div>
        )}
      </form>
    </Section>
  );
}

interface EndProps {
  workspace: WorkspaceDetail;
  mayDelete: boolean;
  /** Gone: there is another page to be on. */
  onGone: () => void;
}

export function EndOfWorkspace({ workspace, mayDelete, onGone }: EndProps) {
  const t = useT();
  const leave = useLeaveWorkspace();
  const [dialog, setDialog] = useState<"none" | "leave" | "delete">("none");
  const close = () => setDialog("none");
  return (
    <Section title={t("space.end")}>
      <div className="space-y-4">
        <Way text={t("space.leaveBody")} action={t("space.leave")} onPress={() => setDialog("leave")} />
        {mayDelete && (workspace.is_first ? <p className="border-t border-line pt-4 text-muted">{t("space.first")}</p> : <Way text={t("space.deleteBody")} action={t("space.delete")} onPress={() => setDialog("delete")} />)}
      </div>
      <Confirm
        isOpen={dialog === "leave"}
        title={t("space.leave")}
        body={t("space.leaveSure", { name: workspace.name })}
        action={t("space.leave")}
        onClose={close}
        onConfirm={() => leave.mutateAsync(workspace.id).then(onGone)}
      />
      <Dialog title={t("space.delete")} isOpen={dialog === "delete"} onClose={close} alert>
        <Delete workspace={workspace} onClose={close} onGone={onGone} />
      </Dialog>
    </Section>
  );
}

function Way({ text, action, onPress }: { text: string; action: string; onPress: () => void }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 border-t border-line pt-4 first:border-0 first:pt-0">
      <p className="min-w-0 flex-1 basis-64 text-muted">{text}</p>
      <Button variant="danger" onPress={onPress}>
        {action}
      </Button>
    </div>
  );
}

function Delete({ workspace, onClose, onGone }: { workspace: WorkspaceDetail; onClose: () => void; onGone: () => void }) {
  const t = useT();
  const remove = useDeleteWorkspace();
  return (
    <TypeToDelete
      name={workspace.name}
      slug={workspace.slug}
      isPending={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onDelete={(confirm) =>
        remove.mutate(
          { id: workspace.id, confirm },
          {
            onSuccess: () => {
              toast(t("space.deleted", { name: workspace.name }));
              onGone();
            },
          },
        )
      }
    />
  );
}

interface TypeProps {
  name: string;
  slug: string;
  isPending: boolean;
  error: Error | null;
  onClose: () => void;
  onDelete: (confirm: string) => void;
}

/** The name in addresses is typed by hand, so that it is this one and no other. */
export function TypeToDelete({ name, slug, isPending, error, onClose, onDelete }: TypeProps) {
  const t = useT();
  const [typed, setTyped] = useState("");
  const problem = error ? toProblem(error) : null;
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        onDelete(typed);
      }}
    >
      <p className="text-muted">{t("space.deleteSure", { name })}</p>
      <TextField label={t("space.type", { slug })} isRequired autoFocus autoComplete="off" spellCheck="false" mono value={typed} onChange={setTyped} error={fieldText(t, problem, "/confirm")} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2">
        <Button onPress={onClose}>{t("cancel")}</Button>
        <Button type="submit" variant="danger" isPending={isPending} isDisabled={typed !== slug}>
          {t("space.delete")}
        </Button>
      </div>
    </form>
  );
}

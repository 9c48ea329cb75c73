import { useState } from "react";
import type { Task } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { toast } from "@/ui/toast";
import { moving, useCancelTask, useDiscardTask, useRetryTask } from "@/features/admin/queries";

/** What can be done to a task in its state. What runs cannot be discarded: it is cancelled first. */
export function TaskActions({ task, onDiscarded }: { task: Task; onDiscarded?: () => void }) {
  const t = useT();
  const cancel = useCancelTask();
  const retry = useRetryTask();
  const discard = useDiscardTask();
  const [asked, setAsked] = useState(false);
  const onError = (error: unknown) => toast(toProblem(error).message, "bad");
  const again = task.state === "failed" || task.state === "cancelled";
  return (
    <div className="flex flex-wrap gap-2">
      {moving(task) && (
        <Button small isPending={cancel.isPending} onPress={() => cancel.mutate(task.id, { onError })} aria-label={t("task.cancelOf", { kind: task.kind })}>
          {t("task.cancel")}
        </Button>
      )}
      {again && (
        <Button small isPending={retry.isPending} onPress={() => retry.mutate(task.id, { onError })} aria-label={t("task.retryOf", { kind: task.kind })}>
          {t("task.retry")}
        </Button>
      )}
      {!moving(task) && (
        <Button small variant="ghost" onPress={() => setAsked(true)} aria-label={t("task.discardOf", { kind: task.kind })}>
          {t("task.discard")}
        </Button>
      )}
      <Confirm
        title={t("task.discardTitle")}
        body={t("task.discardBody")}
        action={t("task.discard")}
        isOpen={asked}
        onClose={() => setAsked(false)}
        onConfirm={async () => {
          await discard.mutateAsync(task.id);
          onDiscarded?.();
        }}
      />
    </div>
  );
}

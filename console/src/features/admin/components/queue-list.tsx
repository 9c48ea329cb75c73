import { Pause, Play } from "lucide-react";
import type { Queue } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { toast } from "@/ui/toast";
import { useHoldQueue } from "@/features/admin/queries";

export function QueueList({ queues, editable }: { queues: readonly Queue[]; editable: boolean }) {
  const t = useT();
  const head = "px-4 py-2 text-right font-medium";
  return (
    <table className="w-full text-left">
      <thead className="text-sm text-muted max-md:sr-only">
        <tr className="border-b border-line">
          <th className="px-4 py-2 font-medium">{t("queue.name")}</th>
          <th className={head}>{t("queue.waiting")}</th>
          <th className={head}>{t("queue.running")}</th>
          <th className={head}>{t("queue.failed")}</th>
          <th className={head}>{t("queue.oldest")}</th>
          <th className="px-4 py-2">
            <span className="sr-only">{t("actions")}</span>
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {queues.map((queue) => (
          <QueueRow key={queue.name} queue={queue} editable={editable} />
        ))}
      </tbody>
    </table>
  );
}

function QueueRow({ queue, editable }: { queue: Queue; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const hold = useHoldQueue();
  const cell = "max-md:flex max-md:justify-between max-md:py-0.5 md:px-4 md:py-2.5 md:text-right";
  const small = (text: string) => <span className="text-sm text-muted md:hidden">{text}</span>;
  return (
    <tr className="max-md:block max-md:px-4 max-md:py-3">
      <th scope="row" className="font-medium max-md:mb-1 max-md:block md:px-4 md:py-2.5">
        <span className="flex items-center gap-2">
          {queue.name}
          {queue.is_paused && <Badge tone="warn">{t("queue.paused")}</Badge>}
        </span>
      </th>
      <td className={cell}>
        {small(t("queue.waiting"))}
        {format.number(queue.waiting)}
      </td>
      <td className={cell}>
        {small(t("queue.running"))}
        <span>
          {format.number(queue.running)} <span className="text-muted">/ {format.number(queue.slots)}</span>
        </span>
      </td>
      <td className={cell}>
        {small(t("queue.failed"))}
        <span className={queue.failed > 0 ? "text-bad" : ""}>{format.number(queue.failed)}</span>
      </td>
      <td className={cell}>
        {small(t("queue.oldest"))}
        {queue.oldest_waiting_s === null || queue.oldest_waiting_s === undefined ? "–" : format.duration(queue.oldest_waiting_s * 1000)}
      </td>
      <td className="max-md:mt-2 max-md:block md:px-4 md:py-2.5 md:text-right">
        {editable && (
          <Button
            small
            icon={queue.is_paused ? Play : Pause}
            isPending={hold.isPending}
            aria-label={t(queue.is_paused ? "queue.resumeOf" : "queue.pauseOf", { name: queue.name })}
            onPress={() => hold.mutate({ name: queue.name, pause: !queue.is_paused }, { onError: (error) => toast(toProblem(error).message, "bad") })}
          >
            {t(queue.is_paused ? "queue.resume" : "queue.pause")}
          </Button>
        )}
      </td>
    </tr>
  );
}

import { useState } from "react";
import type { Model } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { toast } from "@/ui/toast";
import { useActivateModel, useDeleteModel } from "@/features/surveillance/queries";

export function ModelList({ models, editable }: { models: readonly Model[]; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const activate = useActivateModel();
  const remove = useDeleteModel();
  const [doomed, setDoomed] = useState<Model | null>(null);
  return (
    <>
      <ul className="divide-y divide-line">
        {models.map((model) => (
          <li key={model.id} className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
            <div className="min-w-0 flex-1 basis-60">
              <p className="flex items-center gap-2">
                <span className="truncate font-medium">{model.name}</span>
                {model.active && <Badge tone="good">{t("models.active")}</Badge>}
              </p>
              <p className="mt-0.5 flex flex-wrap gap-x-3 text-sm text-muted tabular-nums">
                <span>{model.family}</span>
                <span>{model.input.join(" × ")}</span>
                <span>{t("models.classes", { n: model.classes })}</span>
                <span>{format.bytes(model.size_bytes)}</span>
                <span>{format.date(model.created_at)}</span>
              </p>
              <p className="truncate font-mono text-xs text-muted" title={model.sha256}>
                sha256 {model.sha256}
              </p>
            </div>
            {editable && (
              <span className="flex gap-2">
                {!model.active && (
                  <Button
                    small
                    isPending={activate.isPending && activate.variables === model.id}
                    onPress={() =>
                      activate.mutate(model.id, {
                        onSuccess: () => toast(t("models.activated", { name: model.name })),
                        onError: (error) => toast(toProblem(error).message, "bad"),
                      })
                    }
                  >
                    {t("models.activate")}
                  </Button>
                )}
                <Button small variant="danger" onPress={() => setDoomed(model)}>
                  {t("delete")}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <Confirm
        title={t("models.deleteTitle", { name: doomed?.name ?? "" })}
        body={t(doomed?.active ? "models.deleteActive" : "models.deleteBody")}
        action={t("delete")}
        isOpen={doomed !== null}
        onClose={() => setDoomed(null)}
        onConfirm={() => remove.mutateAsync(doomed!.id)}
      />
    </>
  );
}

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ArrowRight, History } from "lucide-react";
import { useState, type ReactNode } from "react";
import type { Setting, SettingChange } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { More } from "@/ui/more";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { valueText } from "@/features/admin/settings";
import { changesQuery, settingsQuery, useUndoChange } from "@/features/admin/queries";

interface Props {
  /** Of this setting alone. */
  only?: string;
  editable: boolean;
  /** Shows who made a change. */
  person: (id: string) => ReactNode;
}

export function SettingChanges({ only, editable, person }: Props) {
  const t = useT();
  const locale = useLocale();
  const query = useInfiniteQuery(changesQuery(only));
  const settings = useQuery(settingsQuery(locale));
  const [conflict, setConflict] = useState<SettingChange | null>(null);
  const undo = useUndoChange();
  const titleOf = (key: string) => settings.data?.find((setting) => setting.key === key)?.title ?? key;
  const done = (change: SettingChange) => toast(t("settings.undone", { title: titleOf(change.key) }));
  return (
    <>
      <Loaded query={query}>
        {(data) => {
          const changes = data.pages.flatMap((page) => page.items);
          return changes.length === 0 ? (
            <Empty icon={History} title={t("settings.noChanges")}>
              {t("settings.noChangesBody")}
            </Empty>
          ) : (
            <>
              <ol className="divide-y divide-line">
                {changes.map((change) => (
                  <ChangeRow
                    key={change.id}
                    change={change}
                    setting={settings.data?.find((setting) => setting.key === change.key)}
                    by={change.by ? person(change.by) : null}
                    action={
                      editable && !change.is_undone ? (
                        <Button
                          small
                          isPending={undo.isPending && undo.variables.id === change.id}
                          aria-label={t("settings.undoOf", { title: titleOf(change.key) })}
                          onPress={() =>
                            undo.mutate(
                              { id: change.id, force: false },
                              {
                                onSuccess: () => done(change),
                                // Changed since: whoever asks decides, knowing what would be lost.
                                onError: (error) => (toProblem(error).status === 409 ? setConflict(change) : toast(toProblem(error).message, "bad")),
                              },
                            )
                          }
                        >
                          {t("undo")}
                        </Button>
                      ) : null
                    }
                  />
                ))}
              </ol>
              <More query={query} />
            </>
          );
        }}
      </Loaded>
      {conflict && (
        <Conflict
          change={conflict}
          setting={settings.data?.find((setting) => setting.key === conflict.key)}
          onClose={() => setConflict(null)}
          onForce={async () => {
            await undo.mutateAsync({ id: conflict.id, force: true });
            done(conflict);
          }}
        />
      )}
    </>
  );
}

function ChangeRow({ change, setting, by, action }: { change: SettingChange; setting: Setting | undefined; by: ReactNode; action: ReactNode }) {
  const t = useT();
  const format = useFormat();
  return (
    <li className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium">{setting?.title ?? change.key}</span>
          {change.is_undone && <Badge>{t("settings.isUndone")}</Badge>}
          {change.undo_of && <Badge tone="accent">{t("settings.isUndo")}</Badge>}
        </p>
        <p className="mt-0.5 flex flex-wrap items-center gap-x-2 break-words">
          <span className="text-muted line-through decoration-line-strong">{valueText(change.old, setting, t, format)}</span>
          <ArrowRight aria-label={t("settings.became")} className="size-3.5 shrink-0 text-muted" />
          <span>{valueText(change.new, setting, t, format)}</span>
        </p>
        <p className="mt-0.5 text-sm text-muted">
          <time dateTime={change.at} title={format.dateTime(change.at)}>
            {format.ago(change.at)}
          </time>
          {by && <> · {by}</>}
        </p>
      </div>
      {action}
    </li>
  );
}

function Conflict({ change, setting, onClose, onForce }: { change: SettingChange; setting: Setting | undefined; onClose: () => void; onForce: () => Promise<void> }) {
  const t = useT();
  const format = useFormat();
  const title = setting?.title ?? change.key;
  return (
    <Confirm
      isOpen
      title={t("settings.conflict")}
      body={
        <p>
          {t("settings.conflictBody", {
            title,
            now: valueText(setting?.value, setting, t, format),
            old: valueText(change.old, setting, t, format),
          })}
        </p>
      }
      action={t("settings.force")}
      onClose={onClose}
      onConfirm={onForce}
    />
  );
}

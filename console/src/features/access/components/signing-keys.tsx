import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useFormat } from "@/lib/format";
import { hasMessage, useT, type Translate } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Empty, Loaded } from "@/ui/states";
import { toast } from "@/ui/toast";
import { signingKeysQuery, useRotateKeys } from "@/features/access/queries";

const tones: Record<string, Tone> = { next: "accent", signing: "good", revoked: "bad" };

function stateLabel(t: Translate, state: string): string {
  const key = `signing.state.${state}`;
  return hasMessage(key) ? t(key) : state;
}

/** The keys that sign tokens: one signs, those before it are still read until what they signed has expired. */
export function SigningKeys({ editable }: { editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const query = useQuery(signingKeysQuery);
  const rotate = useRotateKeys();
  const [asking, setAsking] = useState(false);
  const [revoke, setRevoke] = useState(false);
  const close = () => {
    rotate.reset();
    setRevoke(false);
    setAsking(false);
  };
  return (
    <Section
      title={t("signing.title")}
      flush
      actions={
        editable && (
          <Button small onPress={() => setAsking(true)}>
            {t("signing.rotate")}
          </Button>
        )
      }
    >
      <Loaded query={query} rows={3}>
        {(keys) =>
          keys.length === 0 ? (
            <Empty icon={KeyRound} title={t("signing.none")}>
              {t("signing.noneBody")}
            </Empty>
          ) : (
            <ul className="divide-y divide-line">
              {keys.map((key) => (
                <li key={key.id} className="flex flex-wrap items-center gap-x-6 gap-y-1.5 px-4 py-3">
                  <div className="min-w-0 flex-1 basis-64">
                    <p className="flex flex-wrap items-center gap-2">
                      <span className="font-medium">{key.algorithm}</span>
                      <Badge tone={tones[key.state] ?? "neutral"}>{stateLabel(t, key.state)}</Badge>
                    </p>
                    <code className="block text-xs break-all text-muted">{key.id}</code>
                  </div>
                  <p className="text-sm text-muted">
                    {t("signing.since", { at: format.dateTime(key.created_at) })}
                    {key.state === "next" && ` · ${t("signing.from", { at: format.dateTime(key.active_from) })}`}
                  </p>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <Dialog title={t("signing.rotate")} isOpen={asking} onClose={close} alert>
        <div className="space-y-4">
          <p className="text-muted">{t(revoke ? "signing.revokeBody" : "signing.rotateBody")}</p>
          <Checkbox isSelected={revoke} onChange={setRevoke}>
            {t("signing.revoke")}
          </Checkbox>
          {rotate.isError && <Notice problem={toProblem(rotate.error)} />}
          <div className="flex justify-end gap-2">
            <Button onPress={close}>{t("cancel")}</Button>
            <Button
              variant="danger"
              isPending={rotate.isPending}
              onPress={() =>
                rotate.mutate(revoke, {
                  onSuccess: () => {
                    toast(t("signing.rotated"));
                    close();
                  },
                })
              }
            >
              {t("signing.rotate")}
            </Button>
          </div>
        </div>
      </Dialog>
    </Section>
  );
}

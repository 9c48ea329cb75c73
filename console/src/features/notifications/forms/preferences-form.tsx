import { useState } from "react";
import type { NotificationPreferences } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { Checkbox, ComboField, SelectField, Switch, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { useSavePreferences } from "@/features/notifications/queries";

const DIGESTS = ["off", "hourly", "daily"] as const satisfies readonly NotificationPreferences["digest"][];
const CHANNELS = ["in_app", "email"] as const;

interface Props {
  preferences: NotificationPreferences;
  zones: readonly string[];
}

export function PreferencesForm({ preferences, zones }: Props) {
  const t = useT();
  const save = useSavePreferences();
  const [form, setForm] = useState(preferences);
  const set = (change: Partial<NotificationPreferences>) => setForm({ ...form, ...change });
  const problem = save.isError ? toProblem(save.error) : null;
  const quiet = form.quiet_from !== null && form.quiet_from !== undefined;
  const setChannel = (topic: string, channel: (typeof CHANNELS)[number], on: boolean) =>
    set({ topics: form.topics.map((one) => (one.topic === topic ? { ...one, [channel]: on } : one)) });
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(form, { onSuccess: () => toast(t("saved")) });
      }}
    >
      <Section title={t("preferences.topics")} flush>
        <table className="w-full text-left">
          <thead className="text-sm text-muted">
            <tr className="border-b border-line">
              <th className="px-4 py-2 font-medium">{t("preferences.about")}</th>
              {CHANNELS.map((channel) => (
                <th key={channel} className="px-2 py-2 text-center font-medium whitespace-nowrap sm:w-32">
                  {t(`channel.${channel}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {form.topics.map((topic) => (
              <tr key={topic.topic}>
                <th scope="row" className="px-4 py-2.5 font-normal">
                  {topic.title || topic.topic}
                  <span className="block font-mono text-xs break-all text-muted">{topic.topic}</span>
                </th>
                {CHANNELS.map((channel) => (
                  <td key={channel} className="px-2 text-center">
                    <Checkbox
                      className="p-2"
                      isSelected={topic[channel]}
                      onChange={(on) => setChannel(topic.topic, channel, on)}
                      aria-label={t("preferences.by", { topic: topic.title || topic.topic, channel: t(`channel.${channel}`) })}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Section>
      <Section title={t("preferences.when")}>
        <div className="space-y-4">
          <div className="grid gap-4 sm:grid-cols-2">
            <SelectField
              label={t("preferences.digest")}
              hint={t("preferences.digestHint")}
              options={DIGESTS.map((one) => ({ id: one, label: t(`digest.${one}`) }))}
              value={form.digest}
              onChange={(one) => set({ digest: one as NotificationPreferences["digest"] })}
              error={problem?.field("/digest")}
            />
            {form.digest === "daily" && (
              <TextField label={t("preferences.digestAt")} type="time" value={form.digest_at} onChange={(digest_at) => set({ digest_at })} error={problem?.field("/digest_at")} />
            )}
          </div>
          <Switch isSelected={quiet} onChange={(on) => set(on ? { quiet_from: "22:00", quiet_to: "07:00" } : { quiet_from: null, quiet_to: null })}>
            {t("preferences.quiet")}
          </Switch>
          {quiet && (
            <>
              <div className="grid grid-cols-2 gap-4">
                <TextField label={t("preferences.quietFrom")} type="time" value={form.quiet_from ?? ""} onChange={(quiet_from) => set({ quiet_from })} error={problem?.field("/quiet_from")} />
                <TextField label={t("preferences.quietTo")} type="time" value={form.quiet_to ?? ""} onChange={(quiet_to) => set({ quiet_to })} error={problem?.field("/quiet_to")} />
              </div>
              <p className="text-sm text-muted">{t("preferences.quietHint")}</p>
            </>
          )}
          <ComboField label={t("preferences.zone")} options={zones} value={form.time_zone} onChange={(time_zone) => set({ time_zone })} error={problem?.field("/time_zone")} className="sm:max-w-sm" />
        </div>
      </Section>
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" isPending={save.isPending}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}

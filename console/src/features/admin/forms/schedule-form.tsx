import { useState } from "react";
import type { Schedule } from "@/api/types";
import { useLocale, useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { zones } from "@/lib/zones";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { ComboField, SelectField, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { toast } from "@/ui/toast";
import { readCron } from "@/features/admin/cron";
import { useChangeSchedule, useResetSchedule } from "@/features/admin/queries";

const CATCH_UPS = ["skip", "once", "all"] as const satisfies readonly Schedule["catch_up"][];

/** Only what differs is sent. Whether a rule is good is for the server to say; its words stand at the field. */
export function ScheduleForm({ schedule }: { schedule: Schedule }) {
  const t = useT();
  const locale = useLocale();
  const change = useChangeSchedule(schedule.name);
  const [cron, setCron] = useState(schedule.cron);
  const [zone, setZone] = useState(schedule.time_zone);
  const [catchUp, setCatchUp] = useState(schedule.catch_up);
  const [resetting, setResetting] = useState(false);
  const reset = useResetSchedule(schedule.name);
  const problem = change.isError ? toProblem(change.error) : null;
  const changed = cron !== schedule.cron || zone !== schedule.time_zone || catchUp !== schedule.catch_up;
  const faults = { cron: problem?.field("/cron"), zone: problem?.field("/time_zone"), catchUp: problem?.field("/catch_up") };
  const elsewhere = problem !== null && !faults.cron && !faults.zone && !faults.catchUp;
  return (
    <Section
      title={t("schedule.rule")}
      actions={
        schedule.is_overridden && (
          <Button small onPress={() => setResetting(true)}>
            {t("schedule.reset")}
          </Button>
        )
      }
    >
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          const body = {
            cron: cron === schedule.cron ? undefined : cron,
            time_zone: zone === schedule.time_zone ? undefined : zone,
            catch_up: catchUp === schedule.catch_up ? undefined : catchUp,
          };
          // The form is built anew with the new rule, and callbacks of the mutation would go with the old one.
          change.mutateAsync(body).then(
            () => toast(t("saved")),
            () => undefined,
          );
        }}
      >
        <TextField label={t("schedule.cron")} mono autoComplete="off" spellCheck="false" value={cron} onChange={setCron} hint={readCron(cron, locale) ?? t("schedule.cronHint")} error={faults.cron} />
        <ComboField label={t("schedule.zone")} options={zones()} value={zone} onChange={setZone} error={faults.zone} />
        <SelectField
          label={t("schedule.catchUp")}
          hint={t(`schedule.catchUp.${catchUp}.hint`)}
          options={CATCH_UPS.map((one) => ({ id: one, label: t(`schedule.catchUp.${one}`) }))}
          value={catchUp}
          onChange={(one) => setCatchUp(one as Schedule["catch_up"])}
          error={faults.catchUp}
        />
        {elsewhere && <Notice problem={problem} />}
        <div className="flex justify-end gap-2">
          <Button type="submit" variant="primary" isPending={change.isPending} isDisabled={!changed}>
            {t("save")}
          </Button>
        </div>
      </form>
      <Confirm
        title={t("schedule.resetTitle")}
        body={t("schedule.resetBody")}
        action={t("schedule.reset")}
        isOpen={resetting}
        onClose={() => setResetting(false)}
        onConfirm={() => reset.mutateAsync()}
      />
    </Section>
  );
}

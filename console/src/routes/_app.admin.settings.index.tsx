import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Settings as SettingsIcon } from "lucide-react";
import { useState } from "react";
import { SettingTabs } from "@/features/admin/components/setting-tabs";
import { SettingRow } from "@/features/admin/forms/setting-row";
import { settingsQuery } from "@/features/admin/queries";
import { grouped, matches } from "@/features/admin/settings";
import { Person } from "@/features/identity/components/person";
import { hasMessage, useLocale, useT } from "@/lib/i18n";
import { useCan } from "@/lib/session";
import { TextField } from "@/ui/field";
import { Page, Section } from "@/ui/page";
import { Denied, Empty, Loaded } from "@/ui/states";

export const Route = createFileRoute("/_app/admin/settings/")({ component: Settings });

function Settings() {
  const t = useT();
  const allowed = useCan("admin.settings.read");
  return (
    <Page title={t("nav.settings")} subtitle={t("settings.intro")} narrow>
      {allowed ? (
        <>
          <SettingTabs />
          <Groups />
        </>
      ) : (
        <Denied />
      )}
    </Page>
  );
}

function Groups() {
  const t = useT();
  const query = useQuery(settingsQuery(useLocale()));
  const editable = useCan("admin.settings.write");
  const [words, setWords] = useState("");
  return (
    <Loaded query={query}>
      {(settings) => {
        const shown = settings.filter((setting) => matches(setting, words));
        return (
          <div className="space-y-4">
            <div role="search">
              <TextField label={t("settings.search")} labelHidden placeholder={t("settings.search")} type="search" value={words} onChange={setWords} className="max-w-md" />
            </div>
            {shown.length === 0 && (
              <div className="card">
                <Empty icon={SettingsIcon} title={t(settings.length === 0 ? "settings.none" : "settings.noMatch")} />
              </div>
            )}
            {grouped(shown).map(([group, members]) => (
              <Section key={group} title={hasMessage(`settings.group.${group}`) ? t(`settings.group.${group}` as never) : group} flush>
                <ul className="divide-y divide-line">
                  {members.map((setting) => (
                    // Built anew when the value changed elsewhere, so that the control shows what holds.
                    <SettingRow key={`${setting.key} ${JSON.stringify(setting.value)}`} setting={setting} editable={editable} person={(id) => <Person id={id} />} />
                  ))}
                </ul>
              </Section>
            ))}
          </div>
        );
      }}
    </Loaded>
  );
}

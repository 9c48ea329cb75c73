import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useT } from "@/lib/i18n";
import { Checkbox, Switch } from "@/ui/field";
import { Loaded } from "@/ui/states";
import { topicsQuery } from "@/features/notifications/queries";
import { ALL, choices, hearsAll, toggled } from "@/features/notifications/topics";

export function TopicsField({ value, onChange, error }: { value: readonly string[]; onChange: (topics: string[]) => void; error?: string }) {
  const t = useT();
  const label = useId();
  const query = useQuery(topicsQuery);
  const all = hearsAll(value);
  return (
    <div role="group" aria-labelledby={label}>
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <span id={label} className="text-sm font-medium">
          {t("webhook.topics")}
        </span>
        <Switch isSelected={all} onChange={(on) => onChange(on ? [ALL] : [])}>
          <span className="text-sm">{t("webhook.allTopics")}</span>
        </Switch>
      </div>
      {!all && (
        <Loaded query={query} rows={4}>
          {(topics) => (
            <ul className="max-h-64 space-y-0.5 overflow-y-auto rounded-control border border-line p-2">
              {choices(topics.map((topic) => topic.name), value).map((name) => {
                const module = name.endsWith(".*") ? name.slice(0, -2) : null;
                const covered = module === null && value.includes(`${name.split(".")[0]}.*`);
                return (
                  <li key={name} className={module === null ? "pl-5" : ""}>
                    <Checkbox
                      row
                      className="rounded px-1.5 py-1 hover:bg-sunken"
                      isSelected={covered || value.includes(name)}
                      isDisabled={covered}
                      onChange={(on) => onChange(toggled(value, name, on))}
                    >
                      <span className="min-w-0">
                        <span className="block font-mono text-xs leading-4.5 break-all">{name}</span>
                        <span className="block text-sm text-muted">
                          {module === null ? topics.find((topic) => topic.name === name)?.description : t("webhook.ofModule", { module })}
                        </span>
                      </span>
                    </Checkbox>
                  </li>
                );
              })}
            </ul>
          )}
        </Loaded>
      )}
      {error && (
        <p role="alert" className="mt-1 text-xs font-medium text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

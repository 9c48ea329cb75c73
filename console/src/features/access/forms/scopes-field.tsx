import { useQuery } from "@tanstack/react-query";
import { CheckboxGroup, Label, Radio, RadioGroup } from "react-aria-components";
import { useT } from "@/lib/i18n";
import { moduleLabel, permissionLabel } from "@/lib/roles";
import { useMe } from "@/lib/session";
import { Checkbox } from "@/ui/field";
import { permissionsQuery } from "@/features/access/queries";
import { byModule, type Reach } from "@/features/access/scopes";

interface Props {
  reach: Reach;
  chosen: readonly string[];
  onChange: (reach: Reach, chosen: string[]) => void;
  error?: string;
}

const REACHES = ["read", "all", "some"] as const;

/** All, reading alone, or single permissions: never more than the person who gives them has. */
export function ScopesField({ reach, chosen, onChange, error }: Props) {
  const t = useT();
  const { permissions } = useMe();
  const known = useQuery(permissionsQuery);
  const describe = (name: string) => permissionLabel(t, name, known.data?.find((one) => one.name === name)?.description);
  return (
    <div>
      <RadioGroup value={reach} onChange={(value) => onChange(value as Reach, [...chosen])}>
        <Label className="mb-1.5 block text-sm font-medium">{t("scopes.title")}</Label>
        <div className="space-y-1.5">
          {REACHES.map((one) => (
            <Radio key={one} value={one} className="group flex cursor-pointer items-start gap-2">
              <span className="mt-0.5 flex size-4.5 shrink-0 items-center justify-center rounded-full border border-line-strong bg-surface group-data-focus-visible:outline-2 group-data-focus-visible:outline-offset-2 group-data-focus-visible:outline-accent group-data-selected:border-accent">
                <span className="hidden size-2.5 rounded-full bg-accent group-data-selected:block" />
              </span>
              <span>
                <span className="block">{t(`scopes.${one}`)}</span>
                <span className="block text-xs text-muted">{t(`scopes.${one}Hint`)}</span>
              </span>
            </Radio>
          ))}
        </div>
      </RadioGroup>
      {reach === "some" && (
        <CheckboxGroup aria-label={t("scopes.some")} value={[...chosen]} onChange={(names) => onChange(reach, names)} className="mt-3 max-h-64 space-y-3 overflow-y-auto rounded-control border border-line px-3 py-2.5">
          {byModule(permissions).map(([module, names]) => (
            <div key={module} className="space-y-1.5">
              <p className="text-xs font-medium text-muted">{moduleLabel(t, module)}</p>
              {names.map((name) => (
                <Checkbox key={name} value={name} row>
                  <span className="min-w-0">
                    <span className="block leading-snug">{describe(name)}</span>
                    <span className="block font-mono text-xs break-all text-muted">{name}</span>
                  </span>
                </Checkbox>
              ))}
            </div>
          ))}
        </CheckboxGroup>
      )}
      {error && <p className="mt-1 text-xs font-medium text-bad">{error}</p>}
    </div>
  );
}

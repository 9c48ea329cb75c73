import { Globe } from "lucide-react";
import type { PermissionInfo } from "@/api/types";
import { useT } from "@/lib/i18n";
import { moduleLabel, permissionLabel } from "@/lib/roles";
import { Checkbox } from "@/ui/field";
import { modules, shareOf, toggleAll } from "@/features/workspace/permissions";

interface Props {
  catalogue: readonly PermissionInfo[];
  chosen: ReadonlySet<string>;
  /** Nobody gives what they do not have; undefined: nothing can be changed. */
  givable?: ReadonlySet<string>;
  onChange?: (chosen: Set<string>) => void;
}

/** What a role may do, module by module. */
export function PermissionMatrix({ catalogue, chosen, givable, onChange }: Props) {
  const t = useT();
  return (
    <div className="space-y-4">
      {modules(catalogue).map((module) => {
        const names = module.permissions.map((one) => one.name).filter((name) => givable?.has(name));
        const share = shareOf(module.permissions.map((one) => one.name), chosen);
        return (
          <fieldset key={module.name} className="card min-w-0">
            <legend className="sr-only">{moduleLabel(t, module.name)}</legend>
            <div className="flex min-h-11 items-center justify-between gap-3 border-b border-line px-4 py-2">
              <span aria-hidden className="font-semibold">
                {moduleLabel(t, module.name)}
              </span>
              {onChange && names.length > 1 ? (
                <Checkbox aria-label={t("roles.allOf", { module: moduleLabel(t, module.name) })} isSelected={share === "all"} isIndeterminate={share === "some"} onChange={() => onChange(toggleAll(names, chosen))}>
                  <span className="text-sm text-muted">{t("roles.all")}</span>
                </Checkbox>
              ) : (
                <span className="text-sm text-muted tabular-nums">
                  {module.permissions.filter((one) => chosen.has(one.name)).length} / {module.permissions.length}
                </span>
              )}
            </div>
            <ul className="grid gap-x-6 px-4 py-2 md:grid-cols-2">
              {module.permissions.map((one) => (
                <li key={one.name} className="py-1.5">
                  <Checkbox
                    row
                    isSelected={chosen.has(one.name)}
                    isReadOnly={!onChange}
                    isDisabled={onChange !== undefined && !givable?.has(one.name)}
                    onChange={(selected) => {
                      const next = new Set(chosen);
                      if (selected) next.add(one.name);
                      else next.delete(one.name);
                      onChange?.(next);
                    }}
                  >
                    <span className="min-w-0">
                      <span className="block leading-snug">{permissionLabel(t, one.name, one.description)}</span>
                      <span className="flex flex-wrap items-center gap-x-2 text-xs text-muted">
                        <span className="font-mono break-all">{one.name}</span>
                        {one.installation && (
                          <span className="inline-flex items-center gap-1">
                            <Globe aria-hidden className="size-3" />
                            {t("roles.installation")}
                          </span>
                        )}
                      </span>
                    </span>
                  </Checkbox>
                </li>
              ))}
            </ul>
          </fieldset>
        );
      })}
    </div>
  );
}

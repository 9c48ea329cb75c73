import { useT } from "@/lib/i18n";
import { scopeLabel } from "@/lib/roles";
import { reachOf } from "@/features/access/scopes";

/** How far something reaches, in a line; single permissions are counted, and told in full to who asks. */
export function ScopeWords({ scopes }: { scopes: readonly string[] }) {
  const t = useT();
  const reach = reachOf(scopes);
  if (reach !== "some") return t(`scopes.${reach}`);
  if (scopes.length <= 2) return scopes.map((scope) => scopeLabel(t, scope)).join(", ");
  return <span title={scopes.join(", ")}>{t("scopes.count", { n: scopes.length })}</span>;
}

import { Eraser } from "lucide-react";
import { useState } from "react";
import type { CacheState } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Meter } from "@/ui/meter";
import { Tiles } from "@/ui/tiles";
import { toast } from "@/ui/toast";
import { engineLabel } from "@/features/admin/labels";
import { useClearCache } from "@/features/admin/queries";

type Namespace = CacheState["namespaces"][number];

export function CacheTiles({ cache }: { cache: CacheState }) {
  const t = useT();
  const format = useFormat();
  const hits = cache.namespaces.reduce((sum, one) => sum + one.hits, 0);
  const asked = cache.namespaces.reduce((sum, one) => sum + one.hits + one.misses, 0);
  return (
    <Tiles
      tiles={[
        {
          label: t("cache.engine"),
          value: engineLabel(t, cache.engine),
          detail: (
            <Badge tone={cache.is_up ? "good" : "bad"} dot>
              {t(cache.is_up ? "status.ok" : "cache.down")}
            </Badge>
          ),
        },
        { label: t("cache.entries"), value: format.number(cache.entries) },
        { label: t("cache.memory"), value: format.bytes(cache.memory_bytes) },
        { label: t("cache.ratio"), value: asked > 0 ? format.ratio(hits / asked) : "–", detail: t("cache.asked", { n: asked }) },
      ]}
    />
  );
}

/** One button and one question, for a namespace or (null) for all of them. */
export function ClearCache({ namespace }: { namespace: string | null }) {
  const t = useT();
  const clear = useClearCache();
  const [asked, setAsked] = useState(false);
  return (
    <>
      {namespace === null ? (
        <Button variant="danger" icon={Eraser} onPress={() => setAsked(true)}>
          {t("cache.clearAll")}
        </Button>
      ) : (
        <Button small onPress={() => setAsked(true)} aria-label={t("cache.clearOf", { name: namespace })}>
          {t("cache.clear")}
        </Button>
      )}
      <Confirm
        title={namespace === null ? t("cache.clearAllTitle") : t("cache.clearTitle", { name: namespace })}
        body={t("cache.clearBody")}
        action={t("cache.clear")}
        isOpen={asked}
        onClose={() => setAsked(false)}
        onConfirm={async () => {
          const { removed } = await clear.mutateAsync(namespace);
          toast(t("cache.cleared", { n: removed }));
        }}
      />
    </>
  );
}

export function NamespaceTable({ namespaces, editable }: { namespaces: readonly Namespace[]; editable: boolean }) {
  const t = useT();
  const right = "px-4 py-2 text-right font-medium";
  return (
    <table className="w-full text-left">
      <thead className="text-sm text-muted max-md:sr-only">
        <tr className="border-b border-line">
          <th className="px-4 py-2 font-medium">{t("cache.namespace")}</th>
          <th className="w-56 px-4 py-2 font-medium">{t("cache.ratio")}</th>
          <th className={right}>{t("cache.entries")}</th>
          <th className={right}>{t("cache.hitsMisses")}</th>
          <th className={right}>{t("cache.loads")}</th>
          <th className={right}>{t("cache.negative")}</th>
          <th className="px-4 py-2">
            <span className="sr-only">{t("actions")}</span>
          </th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {namespaces.map((one) => (
          <NamespaceRow key={one.name} one={one} editable={editable} />
        ))}
      </tbody>
    </table>
  );
}

function NamespaceRow({ one, editable }: { one: Namespace; editable: boolean }) {
  const t = useT();
  const format = useFormat();
  const cell = "max-md:flex max-md:justify-between max-md:gap-4 max-md:py-0.5 md:px-4 md:py-2.5 md:text-right";
  const label = (text: string) => <span className="text-sm text-muted md:hidden">{text}</span>;
  return (
    <tr className="max-md:block max-md:px-4 max-md:py-3">
      <th scope="row" className="font-medium max-md:block md:px-4 md:py-2.5">
        {one.name}
      </th>
      <td className="max-md:block max-md:py-1 md:px-4 md:py-2.5">
        <span className="flex items-center gap-3">
          <Meter className="flex-1" share={one.hit_ratio ?? 0} label={t("cache.ratioOf", { name: one.name })} />
          <span className="w-14 text-right">{one.hit_ratio === null ? "–" : format.ratio(one.hit_ratio)}</span>
        </span>
      </td>
      <td className={cell}>
        {label(t("cache.entries"))}
        {format.number(one.entries)}
      </td>
      <td className={cell}>
        {label(t("cache.hitsMisses"))}
        <span>
          {format.number(one.hits)} <span className="text-muted">/ {format.number(one.misses)}</span>
        </span>
      </td>
      <td className={cell}>
        {label(t("cache.loads"))}
        <span>
          {format.number(one.loads)}
          {one.load_errors > 0 && <span className="ml-2 text-bad">{t("cache.loadErrors", { n: one.load_errors })}</span>}
        </span>
      </td>
      <td className={cell}>
        {label(t("cache.negative"))}
        {format.number(one.negative_hits)}
      </td>
      <td className="max-md:mt-2 max-md:block md:px-4 md:py-2.5 md:text-right">{editable && <ClearCache namespace={one.name} />}</td>
    </tr>
  );
}

import { Gauge } from "lucide-react";
import type { ReactNode } from "react";
import type { Limits, System } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge, type Tone } from "@/ui/badge";
import { cx } from "@/ui/class-names";
import { Meter } from "@/ui/meter";
import { Facts, Section } from "@/ui/page";
import { Empty } from "@/ui/states";
import { breakerLabel, componentLabel, engineLabel, limitKeyLabel } from "@/features/admin/labels";
import type { Ready } from "@/features/admin/queries";

const tones: Record<string, Tone> = { ok: "good", ready: "good", degraded: "warn", down: "bad" };

function StatusBadge({ status }: { status: string }) {
  const t = useT();
  const known = status === "ok" || status === "degraded" || status === "down" || status === "ready";
  return (
    <Badge tone={tones[status] ?? "bad"} dot>
      {known ? t(`status.${status}`) : status}
    </Badge>
  );
}

export function ServerPanel({ system }: { system: System }) {
  const t = useT();
  const format = useFormat();
  return (
    <Section title={t("system.server")}>
      <Facts
        items={[
          [t("system.version"), system.version],
          [t("system.uptime"), format.duration(system.uptime_s * 1000)],
          [t("system.engine"), engineName(system.engine)],
          [t("system.roles"), system.roles.join(", ")],
          [t("system.memory"), format.bytes(system.process.memory_bytes)],
          [t("system.cpu"), format.duration(system.process.cpu_seconds * 1000)],
          [t("system.threads"), format.number(system.process.threads)],
          [t("system.files"), format.number(system.process.open_files)],
        ]}
      />
      {system.disk && <DiskUse size={system.disk.size_bytes} free={system.disk.free_bytes} />}
    </Section>
  );
}

/** The alert DiskSpaceLow is raised below a tenth; a fifth is time to look. */
function DiskUse({ size, free }: { size: number; free: number }) {
  const t = useT();
  const format = useFormat();
  const share = size === 0 ? 0 : free / size;
  const tone = share < 0.1 ? "bad" : share < 0.2 ? "warn" : "accent";
  return (
    <div className="mt-4 border-t border-line pt-4">
      <p className="mb-1.5 flex flex-wrap justify-between gap-x-4">
        <span className="text-muted">{t("system.disk")}</span>
        <span className={cx("tabular-nums", tone === "bad" && "font-medium text-bad", tone === "warn" && "text-warn")}>
          {t("system.diskFree", { free: format.bytes(free), size: format.bytes(size) })}
        </span>
      </p>
      <Meter share={1 - share} label={t("system.diskUsed")} tone={tone} />
    </div>
  );
}

export function ComponentsPanel({ system }: { system: System }) {
  const t = useT();
  return (
    <Section title={t("system.components")} flush>
      <ul className="divide-y divide-line">
        {system.components.map((component) => (
          <li key={component.name} className="flex items-center justify-between gap-4 px-4 py-2.5">
            <span className="min-w-0">
              <span className="font-medium">{componentLabel(t, component.name)}</span>
              {!component.required && <span className="ml-2 text-xs text-muted">{t("system.optional")}</span>}
              {component.detail && <span className="block text-sm break-words text-muted">{component.detail}</span>}
            </span>
            <StatusBadge status={component.status} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

export function ReadyPanel({ ready }: { ready: Ready }) {
  const t = useT();
  return (
    <Section title={t("system.ready")} flush actions={<StatusBadge status={ready.status} />}>
      <ul className="divide-y divide-line">
        {Object.entries(ready.checks).map(([name, status]) => (
          <li key={name} className="flex items-center justify-between gap-4 px-4 py-2.5">
            <span className="font-medium">{componentLabel(t, name)}</span>
            <StatusBadge status={status} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

export function DatabasePanel({ system }: { system: System }) {
  const t = useT();
  const format = useFormat();
  const { database, redis } = system;
  return (
    <Section title={t("system.engines")}>
      <Facts
        items={[
          [t("system.engine"), engineName(database.engine)],
          [t("system.connections"), t("system.connectionsOf", { idle: format.number(database.idle), all: format.number(database.connections) })],
          [t("system.waiting"), <span key="waiting" className={database.waiting > database.connections ? "text-warn" : ""}>{format.number(database.waiting)}</span>],
          [
            "Redis",
            redis.is_configured ? (
              <StatusBadge key="redis" status={redis.is_up ? "ok" : "down"} />
            ) : (
              <span key="redis" className="text-muted">
                {t("system.redisNone")}
              </span>
            ),
          ],
        ]}
      />
    </Section>
  );
}

export function engineName(engine: string): string {
  return engine.startsWith("postgres") ? "PostgreSQL" : engine === "sqlite" ? "SQLite" : engine;
}

const breakerTones: Record<string, Tone> = { closed: "good", open: "bad", half_open: "warn" };

/** `upstream` shows what a breaker's name stands for. */
export function BreakersPanel({ system, upstream }: { system: System; upstream: (name: string) => ReactNode }) {
  const t = useT();
  const format = useFormat();
  return (
    <Section title={t("system.breakers")} flush>
      {system.breakers.length === 0 ? (
        <p className="p-4 text-muted">{t("system.breakersNone")}</p>
      ) : (
        <ul className="divide-y divide-line">
          {system.breakers.map((breaker) => (
            <li key={breaker.name} className="flex items-center justify-between gap-4 px-4 py-2.5">
              <span className="min-w-0">
                <span className="font-medium break-all">{upstream(breaker.name)}</span>
                <span className="block text-sm text-muted">
                  {t("system.failures", { n: breaker.failures })}
                  {breaker.opened_at && ` · ${t("system.opened", { ago: format.ago(breaker.opened_at) })}`}
                </span>
              </span>
              <Badge tone={breakerTones[breaker.state] ?? "neutral"} dot>
                {breakerLabel(t, breaker.state)}
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

export function NodesPanel({ system }: { system: System }) {
  const t = useT();
  const format = useFormat();
  return (
    <Section title={t("system.nodes")} flush>
      <ul className="divide-y divide-line">
        {system.nodes.map((node) => (
          <li key={node.id} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 py-2.5">
            <span className="min-w-0">
              <span className="block font-mono text-xs leading-5 break-all">{node.id}</span>
              <span className="text-sm text-muted">
                {node.roles.join(", ")} · {node.version}
              </span>
            </span>
            <span className="text-sm text-muted">
              {t("system.since", { time: format.dateTime(node.started_at) })} · {t("system.seen", { ago: format.ago(node.seen_at) })}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

export function LimitsPanel({ limits }: { limits: Limits }) {
  const t = useT();
  const format = useFormat();
  const right = "px-4 py-2 text-right font-medium";
  const cell = "max-md:flex max-md:justify-between max-md:gap-4 max-md:py-0.5 md:px-4 md:py-2.5 md:text-right";
  const label = (text: string) => <span className="text-sm text-muted md:hidden">{text}</span>;
  return (
    <Section
      title={t("limits.title")}
      flush
      className="lg:col-span-2"
      actions={
        <span className="flex flex-wrap items-center gap-2 text-sm text-muted">
          {engineLabel(t, limits.engine)}
          {limits.is_enabled ? <StatusBadge status={limits.is_up ? "ok" : "down"} /> : <Badge tone="warn">{t("limits.off")}</Badge>}
        </span>
      }
    >
      {limits.rules.length === 0 ? (
        <Empty icon={Gauge} title={t("limits.none")} />
      ) : (
        <table className="w-full text-left">
          <thead className="text-sm text-muted max-md:sr-only">
            <tr className="border-b border-line">
              <th className="px-4 py-2 font-medium">{t("limits.rule")}</th>
              <th className="px-4 py-2 font-medium">{t("limits.key")}</th>
              <th className={right}>{t("limits.allows")}</th>
              <th className={right}>{t("limits.cost")}</th>
              <th className={right}>{t("limits.refused")}</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {limits.rules.map((rule) => (
              <tr key={rule.name} className="max-md:block max-md:px-4 max-md:py-3">
                <th scope="row" className="font-normal max-md:block md:px-4 md:py-2.5">
                  <span className="font-medium">{rule.name}</span>
                  <span className="block font-mono text-xs break-all text-muted">{rule.routes.join(", ")}</span>
                </th>
                <td className="max-md:flex max-md:justify-between max-md:gap-4 max-md:py-0.5 md:px-4 md:py-2.5">
                  {label(t("limits.key"))}
                  {limitKeyLabel(t, rule.key)}
                </td>
                <td className={cell}>
                  {label(t("limits.allows"))}
                  {t("limits.quota", { n: format.number(rule.burst), span: format.duration(rule.per_s * 1000) })}
                </td>
                <td className={cell}>
                  {label(t("limits.cost"))}
                  {format.number(rule.cost)}
                </td>
                <td className={cell}>
                  {label(t("limits.refused"))}
                  <span className={rule.refused > 0 ? "font-medium text-warn" : ""}>{format.number(rule.refused)}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {limits.trusted_networks.length > 0 && (
        <p className="border-t border-line px-4 py-2.5 text-sm text-muted">
          {t("limits.trusted")} <span className="font-mono text-xs break-all">{limits.trusted_networks.join(", ")}</span>
        </p>
      )}
    </Section>
  );
}

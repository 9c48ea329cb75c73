import type { System } from "@/api/types";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge, type Tone } from "@/ui/badge";
import { Facts, Section } from "@/ui/page";
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
          [t("system.engine"), system.engine === "postgresql" ? "PostgreSQL" : "SQLite"],
          [t("system.roles"), system.roles.join(", ")],
          [t("system.memory"), format.bytes(system.process.memory_bytes)],
          [t("system.cpu"), format.duration(system.process.cpu_seconds * 1000)],
          [t("system.threads"), format.number(system.process.threads)],
          [t("system.files"), format.number(system.process.open_files)],
        ]}
      />
    </Section>
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
              <span className="font-medium">{component.name}</span>
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
            <span className="font-medium">{name}</span>
            <StatusBadge status={status} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

import { useMemo } from "react";
import { useFormat } from "@/lib/format";
import { useT } from "@/lib/i18n";
import { Badge } from "@/ui/badge";
import { cx } from "@/ui/class-names";
import { Notice } from "@/ui/notice";
import { Facts, Section } from "@/ui/page";
import { Json } from "@/ui/json";
import { colourOf } from "@/features/ml/colours";
import { useInks } from "@/features/ml/palette";
import type { Assessment, Span, Trace } from "@/features/ml/types";
import { attributesOf, durationMs, hasFailed, partsOf, unpacked, waterfall, type Bar } from "@/features/ml/waterfall";
import { StatusBadge } from "./bits";
import { isOwnTag, Tags } from "./tags";
import { assessmentValue } from "./trace-list";

interface Props {
  trace: Trace;
  /** The span that is looked at. */
  spanId: string | undefined;
  onSpan: (id: string) => void;
}

/** A trace as a waterfall, and at its side what one span took in and gave back. */
export function TraceDetail({ trace, spanId, onSpan }: Props) {
  const t = useT();
  const format = useFormat();
  const { bars, totalMs } = useMemo(() => waterfall(trace.spans ?? []), [trace.spans]);
  const shown = bars.find(({ span }) => span.span_id === spanId) ?? bars[0];
  const info = trace.trace_info;
  const own = Object.entries(info.tags ?? {}).filter(([key]) => !isOwnTag(key));
  return (
    <div className="space-y-4">
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1.1fr)_minmax(0,1fr)]">
        <Section title={t("ml.spans")} actions={<span className="text-sm text-muted tabular-nums">{t("ml.spans.total", { n: bars.length, time: format.duration(durationMs(info.execution_duration) ?? totalMs) })}</span>} flush>
          {bars.length === 0 ? (
            <p className="px-4 py-6 text-center text-muted">{t("ml.spans.none")}</p>
          ) : (
            <Waterfall bars={bars} shown={shown?.span.span_id} onSpan={onSpan} />
          )}
        </Section>
        {shown && <SpanDetail span={shown.span} ms={shown.ms} />}
      </div>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Section title={`${t("ml.assessments")} (${info.assessments?.length ?? 0})`} flush>
          <Assessments assessments={info.assessments ?? []} />
        </Section>
        <Section title={t("ml.about")}>
          <Facts
            items={[
              [t("ml.attribute.status"), <StatusBadge key="state" status={info.state} />],
              [t("ml.attribute.start_time"), format.dateTime(info.request_time)],
              info.client_request_id ? [t("ml.trace.client"), info.client_request_id] : null,
              ...Object.entries(info.trace_metadata ?? {})
                .filter(([key]) => !/^mlflow\.trace(Inputs|Outputs|_schema)/.test(key))
                .map(([key, value]) => [key, <span key={key} className="font-mono text-xs break-all">{value}</span>] as const),
            ]}
          />
          {own.length > 0 && (
            <div className="mt-3">
              <Tags tags={own.map(([key, value]) => ({ key, value }))} label={t("ml.tags")} />
            </div>
          )}
        </Section>
      </div>
    </div>
  );
}

function Waterfall({ bars, shown, onSpan }: { bars: readonly Bar[]; shown: string | undefined; onSpan: (id: string) => void }) {
  const t = useT();
  const format = useFormat();
  const inks = useInks();
  const types = [...new Set(bars.map(({ span }) => partsOf(span).type))];
  return (
    <ol aria-label={t("ml.spans")} data-testid="waterfall" className="max-h-[70dvh] overflow-y-auto py-1">
      {bars.map(({ span, depth, start, width, ms }) => {
        const { type } = partsOf(span);
        const isShown = span.span_id === shown;
        return (
          <li key={span.span_id}>
            <button
              type="button"
              aria-current={isShown || undefined}
              onClick={() => onSpan(span.span_id)}
              className={cx("grid w-full cursor-pointer grid-cols-[minmax(0,8.5rem)_minmax(0,1fr)_3.5rem] items-center gap-3 px-4 py-1 text-left text-sm hover:bg-sunken focus-visible:-outline-offset-2 sm:grid-cols-[minmax(0,16rem)_minmax(0,1fr)_5rem] pointer-coarse:py-2.5", isShown && "bg-accent-soft")}
            >
              <span className="flex min-w-0 items-center gap-1.5" style={{ paddingLeft: `${Math.min(depth, 8) * 0.75}rem` }}>
                <span aria-hidden className="size-2 shrink-0 rounded-full" style={{ background: colourOf(inks, types.indexOf(type)) }} />
                <span className={cx("truncate", hasFailed(span) && "text-bad")}>{span.name}</span>
                {type !== "UNKNOWN" && <span className="hidden truncate text-xs text-muted sm:inline">{type.toLowerCase().replaceAll("_", " ")}</span>}
              </span>
              <span aria-hidden className="relative h-3 rounded-sm bg-sunken">
                <span
                  className="absolute inset-y-0 min-w-0.75 rounded-sm"
                  style={{ left: `${start * 100}%`, width: `${Math.max(width * 100, 0.4)}%`, background: hasFailed(span) ? "var(--color-bad)" : colourOf(inks, types.indexOf(type)) }}
                />
              </span>
              <span className="text-right text-xs text-muted tabular-nums">{ms === undefined ? "…" : format.duration(ms)}</span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}

function SpanDetail({ span, ms }: { span: Span; ms: number | undefined }) {
  const t = useT();
  const format = useFormat();
  const { type, inputs, outputs, attributes } = useMemo(() => partsOf(span), [span]);
  return (
    <Section title={span.name} actions={<Badge>{type.toLowerCase().replaceAll("_", " ")}</Badge>}>
      <div className="space-y-4">
        {hasFailed(span) && <Notice tone="bad">{span.status?.message || t("ml.status.ERROR")}</Notice>}
        {ms !== undefined && <p className="text-sm text-muted">{t("ml.span.took", { time: format.duration(ms) })}</p>}
        <Part title={t("ml.span.inputs")} value={inputs} />
        <Part title={t("ml.span.outputs")} value={outputs} />
        {attributes.length > 0 && <Part title={t("ml.span.attributes")} value={Object.fromEntries(attributes)} />}
        {span.events?.map((event, at) => (
          <Part
            key={at}
            title={t("ml.span.event", { name: event.name })}
            value={Object.fromEntries(Object.entries(attributesOf(event.attributes)).map(([key, value]) => [key, unpacked(value)]))}
          />
        ))}
      </div>
    </Section>
  );
}

function Part({ title, value }: { title: string; value: unknown }) {
  if (value === undefined || value === null) return null;
  return (
    <div>
      <h3 className="mb-1 text-sm font-medium">{title}</h3>
      <Json value={value} label={title} />
    </div>
  );
}

function Assessments({ assessments }: { assessments: readonly Assessment[] }) {
  const t = useT();
  if (assessments.length === 0) return <p className="px-4 py-4 text-muted">{t("ml.assessments.none")}</p>;
  return (
    <ul className="divide-y divide-line text-sm">
      {assessments.map((one, at) => (
        <li key={one.assessment_id ?? at} className="px-4 py-2">
          <p className="flex flex-wrap items-center justify-between gap-2">
            <span className="font-medium">{one.assessment_name}</span>
            <span className="flex items-center gap-2">
              <span className="text-muted">{t(one.feedback ? "ml.feedback" : "ml.expectation")}</span>
              <Badge tone={one.feedback?.value === true ? "good" : one.feedback?.value === false ? "bad" : "neutral"} className="max-w-60">
                <span className="truncate">{assessmentValue(one)}</span>
              </Badge>
            </span>
          </p>
          {one.rationale && <p className="mt-0.5">{one.rationale}</p>}
          {one.source && (
            <p className="mt-0.5 text-muted">
              {one.source.source_type} {one.source.source_id}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
